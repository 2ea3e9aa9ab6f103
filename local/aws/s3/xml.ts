import { XMLParser } from 'fast-xml-parser'
import { S3Error } from './errors.ts'

export type XmlValue =
  | string
  | number
  | boolean
  | undefined
  | readonly XmlValue[]
  | { readonly [name: string]: XmlValue }

const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'
const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
}

const escape = (text: string): string => text.replace(/[&<>"\r]/g, (char) => entities[char] ?? char)

/** An array repeats its element; undefined leaves it out. */
function element(name: string, value: XmlValue): string {
  if (value === undefined) return ''
  if (Array.isArray(value)) return value.map((item: XmlValue) => element(name, item)).join('')
  if (typeof value === 'object') return `<${name}>${members(value as { [name: string]: XmlValue })}</${name}>`
  return `<${name}>${escape(String(value))}</${name}>`
}

const members = (value: { readonly [name: string]: XmlValue }): string =>
  Object.entries(value)
    .map(([name, member]) => element(name, member))
    .join('')

export const toXml = (root: string, value: { readonly [name: string]: XmlValue }): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${namespace}">${members(value)}</${root}>`

export const errorXml = (value: { readonly [name: string]: XmlValue }): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${members(value)}</Error>`

const parser = new XMLParser({
  parseTagValue: false,
  ignoreAttributes: true,
  removeNSPrefix: true,
  trimValues: false,
  htmlEntities: true,
})

export interface XmlNode {
  /** The trimmed text of the first child of this name. */
  text(name: string): string | undefined
  child(name: string): XmlNode | undefined
  children(name: string): readonly XmlNode[]
  texts(name: string): readonly string[]
}

/** Parses a request body whose root must be `root`. Throws `MalformedXML`. */
export function parseXml(text: string, root: string): XmlNode {
  try {
    const tree = parser.parse(text, true) as Record<string, unknown>
    if (root in tree) return node(tree[root])
  } catch {
    throw new S3Error('MalformedXML')
  }
  throw new S3Error('MalformedXML')
}

function node(value: unknown): XmlNode {
  const all = (name: string): unknown[] => {
    if (typeof value !== 'object' || value === null || !(name in value)) return []
    const found = (value as Record<string, unknown>)[name]
    return Array.isArray(found) ? found : [found]
  }
  const texts = (name: string): string[] => all(name).filter((item) => typeof item === 'string')
  return {
    text: (name) => texts(name)[0],
    child: (name) => (all(name).length > 0 ? node(all(name)[0]) : undefined),
    children: (name) => all(name).map(node),
    texts,
  }
}
