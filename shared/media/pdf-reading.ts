import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import type { JsonObject } from '../domain/json.ts'
import { documentTextCharsMax, documentTextCpuMsMax } from './limits.ts'
import { openPdf, type OpenPdf, type PdfDocument } from './pdf-document.ts'
import type { Pdfium } from './pdfium.ts'
import { invalidMedia } from './reasons.ts'

/** What a PDF says of itself. */
export type PdfFound = { readonly kind: 'locked' } | ({ readonly kind: 'open' } & PdfAbout)

export interface PdfAbout {
  readonly pages: number
  /** Of the first page, in points (1/72 inch), upright. */
  readonly widthPt: number
  readonly heightPt: number
  /** title, author, subject, keywords, creator, producer: as far as they are there. */
  readonly shown: JsonObject
  readonly isEncrypted: boolean
  readonly scripts: number
  readonly attachments: number
  /** The first page, at most `thumbnailSide` pixels a side; its pixels in base64. */
  readonly thumbnail: PageDrawn & { readonly data: string }
}

export interface PageDrawn {
  readonly width: number
  readonly height: number
}

export interface PageWanted {
  readonly width: number
  /** The page is drawn narrower where it would have more. */
  readonly pixelsMax: number
}

export interface PdfText {
  readonly characters: number
  /** How many pages were read: all, unless there are more than anybody has the time for. */
  readonly pages: number
  /** Of these. */
  readonly unreadable: number
}

/** fpdfview.h: bitmaps of 32 bits whose last byte means nothing, with comments and filled-in fields, red first. */
const [plainBitmap, drawing] = [3, 0x01 | 0x10]
const white = -1
const bytesPerPixel = 4
const thumbnailSide = 100
/** A document that lies about its pages may name a million that are not there. */
const unreadableMax = 100
const shownCharsMax = 300
const tags = ['Title', 'Author', 'Subject', 'Keywords', 'Creator', 'Producer']

const opened = new Map<string, Promise<PdfDocument>>()

/** A process reads one document, and more than once. */
async function openOnce(path: string): Promise<PdfDocument> {
  const found = opened.get(path) ?? openPdf(path)
  opened.set(path, found)
  return found
}

const pixels = (length: number): number => Math.max(1, Math.round(length))

async function openUnlocked(path: string): Promise<OpenPdf> {
  const document = await openOnce(path)
  if (document.kind === 'locked') throw invalidMedia('The PDF asks for a password')
  return document
}

export async function aboutPdf(path: string): Promise<PdfFound> {
  const document = await openOnce(path)
  if (document.kind === 'locked') return document
  const size = firstPage(document, sizeOf)
  const rest = document.use((pdfium, handle) => ({
    shown: Object.fromEntries(
      tags.map((tag) => [tag.toLowerCase(), tagOf(pdfium, handle, tag)]).filter(([, text]) => text !== ''),
    ) as JsonObject,
    isEncrypted: pdfium.call('FPDF_GetSecurityHandlerRevision', handle) >= 0,
    scripts: Math.max(0, pdfium.call('FPDFDoc_GetJavaScriptActionCount', handle)),
    attachments: Math.max(0, pdfium.call('FPDFDoc_GetAttachmentCount', handle)),
  }))
  const { widthPt, heightPt } = size
  const scale = thumbnailSide / Math.max(widthPt, heightPt)
  const small = { width: pixels(widthPt * scale), height: pixels(heightPt * scale) }
  const thumbnail = { ...small, data: drawn(document, small).toString('base64') }
  return { kind: 'open', pages: document.pages, ...size, ...rest, thumbnail }
}

/** Draws the first page on white into `target`: bytes of red, green, blue and one that means nothing. */
export async function drawFirstPage(path: string, wanted: PageWanted, target: string): Promise<PageDrawn> {
  const document = await openUnlocked(path)
  const { widthPt, heightPt } = firstPage(document, sizeOf)
  const widthMax = Math.sqrt((wanted.pixelsMax * widthPt) / heightPt)
  const scale = Math.min(wanted.width, widthMax) / widthPt
  const size = { width: pixels(widthPt * scale), height: pixels(heightPt * scale) }
  await writeFile(target, drawn(document, size))
  return size
}

function firstPage<Result>(document: OpenPdf, work: (pdfium: Pdfium, page: number) => Result): Result {
  const result = document.usePage(0, work)
  if (result === undefined) throw invalidMedia('The PDF is damaged: its first page cannot be read')
  return result
}

const sizeOf = (pdfium: Pdfium, page: number): Pick<PdfAbout, 'widthPt' | 'heightPt'> => ({
  widthPt: pdfium.call('FPDF_GetPageWidthF', page),
  heightPt: pdfium.call('FPDF_GetPageHeightF', page),
})

const drawn = (document: OpenPdf, { width, height }: PageDrawn): Buffer =>
  firstPage(document, (pdfium, page) => {
    const bitmap = pdfium.call('FPDFBitmap_CreateEx', width, height, plainBitmap, 0, 0)
    if (bitmap === 0) throw new Error('PDFium has no room for the page')
    pdfium.call('FPDFBitmap_FillRect', bitmap, 0, 0, width, height, white)
    pdfium.call('FPDF_RenderPageBitmap', bitmap, page, 0, 0, width, height, 0, drawing)
    const copy = Buffer.from(pdfium.bytes(pdfium.call('FPDFBitmap_GetBuffer', bitmap), width * height * bytesPerPixel))
    pdfium.call('FPDFBitmap_Destroy', bitmap)
    return copy
  })

/** Writes the text of all pages in UTF-8, a form feed after each; it ends early where a book would never end. */
export async function writeText(path: string, target: string): Promise<PdfText> {
  const document = await openUnlocked(path)
  const file = createWriteStream(target)
  const began = process.cpuUsage()
  const hasTime = (): boolean => process.cpuUsage(began).user < documentTextCpuMsMax * 1000
  let [characters, pages, unreadable] = [0, 0, 0]
  while (pages < document.pages && characters < documentTextCharsMax && unreadable < unreadableMax && hasTime()) {
    const found = document.usePage(pages++, textOf)
    if (found === undefined) unreadable++
    const text = readable(found ?? '')
    characters += text.trim().length
    if (!file.write(`${text}\f`)) await once(file, 'drain')
  }
  file.end()
  await finished(file)
  return { characters, pages, unreadable }
}

function textOf(pdfium: Pdfium, page: number): string {
  const text = pdfium.call('FPDFText_LoadPage', page)
  if (text === 0) return ''
  const count = Math.min(documentTextCharsMax, Math.max(0, pdfium.call('FPDFText_CountChars', text)))
  const units = pdfium.put(new Uint8Array((count + 1) * 2))
  const written = pdfium.call('FPDFText_GetText', text, 0, count, units)
  const found = pdfium.bytes(units, Math.max(0, written - 1) * 2).toString('utf16le')
  pdfium.call('free', units)
  pdfium.call('FPDFText_ClosePage', text)
  return found
}

/** PDFium ends lines with two characters, and writes U+0002 for a hyphen that a line was broken at. */
const readable = (text: string): string =>
  text
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll('\u0002', '-')
    .replaceAll(/(?![\n\t])\p{Cc}|[\ufffe\uffff]/gu, '')
    .toWellFormed()

function tagOf(pdfium: Pdfium, document: number, tag: string): string {
  const name = pdfium.put(Buffer.from(`${tag}\0`, 'latin1'))
  const length = pdfium.call('FPDF_GetMetaText', document, name, 0, 0)
  const at = pdfium.put(new Uint8Array(Math.max(2, length)))
  pdfium.call('FPDF_GetMetaText', document, name, at, length)
  const text = pdfium.bytes(at, Math.max(0, length - 2)).toString('utf16le', 0, shownCharsMax * 2)
  for (const each of [name, at]) pdfium.call('free', each)
  return text
    .replaceAll(/\p{Cc}/gu, ' ')
    .trim()
    .toWellFormed()
}
