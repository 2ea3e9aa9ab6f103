import type { FileHandle } from 'node:fs/promises'
import type { JsonObject } from '../domain/json.ts'
import type { Inspection } from '../ports/media-converter.ts'
import { withFile } from './file-parts.ts'
import { oleFound } from './ole-type.ts'
import { zipContent, zipDirectory } from './zip-directory.ts'

type Directory = Awaited<ReturnType<typeof zipDirectory>>

const openXml = 'application/vnd.openxmlformats-officedocument'
/** The folder of an Office file's main part, and what it is without and with macros. */
const openXmlTypes = [
  ['word/', `${openXml}.wordprocessingml.document`, 'application/vnd.ms-word.document.macroenabled.12'],
  ['xl/', `${openXml}.spreadsheetml.sheet`, 'application/vnd.ms-excel.sheet.macroenabled.12'],
  ['ppt/', `${openXml}.presentationml.presentation`, 'application/vnd.ms-powerpoint.presentation.macroenabled.12'],
] as const
const typedInside = /^application\/(vnd\.oasis\.opendocument\.[a-z-]{1,40}|epub\+zip)$/
const typeBytesMax = 100
const aboutBytesMax = 256 * 1024
const shownCharsMax = 300

/** What an Office file, a book or a mere archive is, by the names of what is in it. Undefined when it is none that is known. */
export async function zipType(path: string): Promise<string | undefined> {
  return withFile(path, async (file) => {
    const directory = await zipDirectory(file)
    if (directory.has('[Content_Types].xml')) {
      const names = [...directory.keys()]
      const [folder, plain, withMacros] =
        openXmlTypes.find(([each]) => names.some((name) => name.startsWith(each))) ?? []
      return directory.has(`${folder}vbaProject.bin`) ? withMacros : plain
    }
    const stated = await zipContent(file, directory.get('mimetype'), typeBytesMax)
    const type = stated?.toString('latin1').trim() ?? ''
    return typedInside.test(type) ? type : undefined
  })
}

/** What an Office file or a book says of itself. Undefined for other types. It is stored; nothing is made of it. */
export async function inspectOffice(path: string, mediaType: string): Promise<Inspection | undefined> {
  const stored = (properties: JsonObject): Inspection => ({ mediaType, kind: 'document', properties, recipes: [] })
  if (/^application\/(x-cfb|msword|vnd\.(ms-|visio$))/.test(mediaType) && !mediaType.includes('macroenabled')) {
    const { isLocked } = await oleFound(path)
    return stored(isLocked ? { encrypted: true, note: 'The document asks for a password' } : {})
  }
  if (!/openxmlformats|opendocument|epub\+zip|macroenabled/i.test(mediaType)) return undefined
  return stored(await withFile(path, async (file) => aboutOf(file, await zipDirectory(file))))
}

async function aboutOf(file: FileHandle, directory: Directory): Promise<JsonObject> {
  const read = async (name: string | undefined): Promise<string> =>
    (await zipContent(file, directory.get(name ?? ''), aboutBytesMax))?.toString('utf8') ?? ''
  const book = attribute(await read('META-INF/container.xml'), 'full-path')
  const [core, app, meta, opf] = [
    await read('docProps/core.xml'),
    await read('docProps/app.xml'),
    await read('meta.xml'),
    await read(book),
  ]
  const about = core + meta + opf
  const counts = {
    pages: count(element(app, 'Pages') ?? attribute(meta, 'meta:page-count')),
    slides: count(element(app, 'Slides')),
  }
  return present({
    title: element(about, 'dc:title'),
    author: element(about, 'meta:initial-creator') ?? element(about, 'dc:creator'),
    subject: element(about, 'dc:subject'),
    ...counts,
    ...(directory.has('META-INF/encryption.xml') && { encrypted: true }),
  })
}

const present = (values: Readonly<Record<string, string | number | boolean | undefined>>): JsonObject =>
  Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))

/** The text of the first element of that name; undefined when there is none, or nothing in it. */
function element(xml: string, name: string): string | undefined {
  const [, text = ''] = new RegExp(`<${name}(?:\\s[^<>]*)?>([^<]*)<`).exec(xml) ?? []
  return tidy(text)
}

function attribute(xml: string, name: string): string | undefined {
  const [, text = ''] = new RegExp(`\\s${name}="([^"<]*)"`).exec(xml) ?? []
  return tidy(text)
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function tidy(text: string): string | undefined {
  const plain = text
    .slice(0, 4 * shownCharsMax)
    .replaceAll(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{2,4}));/gi, (whole, decimal, hex, name) => {
      const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : undefined
      if (code === undefined) return named[String(name)] ?? whole
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ''
    })
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, shownCharsMax)
    .toWellFormed()
  return plain === '' ? undefined : plain
}

/** As far as it is one that a record can hold. */
function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
