import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sharp } from 'sharp'
import type { JsonObject } from '../domain/json.ts'
import type { ConversionSource, ConvertedFile, ConvertOptions, Inspection, Recipe } from '../ports/media-converter.ts'
import type { ContainerReader } from './container-reader.ts'
import { convertImage, type ImageWork } from './image-convert.ts'
import { drawingRecipes } from './image-recipes.ts'
import { documentBytesMax, documentPixelsMax, documentRatioMax } from './limits.ts'
import { finishFile, partPath } from './output.ts'
import type { PdfAbout } from './pdf-reading.ts'
import { placeholder } from './placeholder.ts'
import { decoding } from './reasons.ts'
import { openPixels, toPixels, type Pixels } from './sharp-safe.ts'

export const pdfType = 'application/pdf'

const textType = 'text/plain; charset=utf-8'
const textRecipe: Recipe = { name: 'text', version: 1, options: {} }

interface Reading {
  readonly reader: ContainerReader
  readonly signal: AbortSignal
}

/** Looks at a PDF. One that asks for a password, or that is larger than can be read, is stored as it is, and says so. */
export async function inspectPdf(
  { path, bytes }: Pick<ConversionSource, 'path' | 'bytes'>,
  { reader, signal }: Reading,
): Promise<Inspection> {
  const stored = (properties: JsonObject): Inspection => ({
    mediaType: pdfType,
    kind: 'document',
    properties,
    recipes: [],
  })
  if (bytes > documentBytesMax) {
    return stored({ note: `Of a PDF above ${documentBytesMax / 2 ** 20} MiB no preview and no text is made` })
  }
  const found = await reader.pdf(path, signal)
  if (found.kind === 'locked') {
    return stored({ encrypted: true, note: 'The PDF asks for a password: no preview and no text is made' })
  }
  const isShown = ratioOf(found) <= documentRatioMax
  const properties = {
    ...describe(found),
    ...(isShown
      ? await shown(found, signal)
      : { note: `The first page is more than ${documentRatioMax} times as long as wide: no preview is made` }),
  }
  const pictures = isShown ? drawingRecipes(found.widthPt, found.heightPt, { hasAlpha: false }) : []
  return { ...stored(properties), recipes: [...pictures, textRecipe] }
}

const ratioOf = ({ widthPt, heightPt }: PdfAbout): number => Math.max(widthPt / heightPt, heightPt / widthPt)

const describe = ({ pages, widthPt, heightPt, shown, ...rest }: PdfAbout): JsonObject => ({
  ...shown,
  pages,
  pageWidthPt: Math.round(widthPt * 10) / 10,
  pageHeightPt: Math.round(heightPt * 10) / 10,
  ...(rest.isEncrypted && { encrypted: true }),
  ...(rest.scripts > 0 && { scripts: rest.scripts }),
  ...(rest.attachments > 0 && { attachments: rest.attachments }),
})

async function shown({ thumbnail: { width, height, data } }: PdfAbout, signal: AbortSignal): Promise<JsonObject> {
  const drawn: Pixels = { data: Buffer.from(data, 'base64'), width, height, channels: 4 }
  const opaque = decoding('The page', signal, () => toPixels(openPixels(drawn).removeAlpha().ensureAlpha()))
  return { hasAlpha: false, ...placeholder(await opaque) }
}

/** Makes pictures of the first page, and the text. A PDF without text, as a scan is, gets none. */
export async function convertPdf(
  source: Pick<ConversionSource, 'path' | 'mediaType'>,
  recipes: readonly Recipe[],
  { reader, ...work }: ConvertOptions & Pick<ImageWork, 'openable'> & { readonly reader: ContainerReader },
): Promise<ConvertedFile[]> {
  const draw = (width: number): Promise<Sharp> => drawPage(source.path, width, { reader, ...work })
  const pictures = recipes.filter((recipe) => recipe.name !== textRecipe.name)
  const files = pictures.length > 0 ? await convertImage({ ...source, draw }, pictures, work) : []
  const text = recipes.find((recipe) => recipe.name === textRecipe.name)
  if (!text) return files
  const part = partPath(work.workFolder, text.name)
  const { characters, pages, unreadable } = await reader.pdfText(source.path, part, work.signal)
  if (characters === 0) {
    await rm(part)
    return files
  }
  return [
    ...files,
    await finishFile(work.workFolder, text, 'txt', textType, {
      characters,
      pages,
      ...(unreadable > 0 && { unreadable }),
    }),
  ]
}

/** Narrower than asked for where the page would have too many pixels. */
async function drawPage(
  path: string,
  width: number,
  { reader, workFolder, signal }: Reading & { readonly workFolder: string },
): Promise<Sharp> {
  const target = join(workFolder, 'page.pixels')
  const size = await reader.pdfPage(path, target, { width, pixelsMax: documentPixelsMax }, signal)
  return openPixels({ ...size, data: await readFile(target), channels: 4 }).removeAlpha()
}
