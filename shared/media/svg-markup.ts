import { invalidMedia } from './reasons.ts'

/** A drawing with more is a program. */
const elementsMax = 100_000
const depthMax = 200
/** Pictures inside a drawing, by what their own headers say. */
const embeddedPixelsMax = 4_000_000

/** What runs, loads, or shows what is not drawing. Left out with all that is in it. */
const leftOut = new Set([
  'script',
  'foreignobject',
  'iframe',
  'audio',
  'video',
  'embed',
  'object',
  'include',
  'handler',
])

export interface SvgTag {
  /** As written, prefix included. */
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
}

/**
 * An SVG document without anything that reaches outside it: no scripts, no references but to its own parts and to small
 * embedded pictures, no style that imports. `onRoot` may change the root's attributes. Throws `invalid-media` for what is not
 * well-formed enough to be sure, for declared entities, and for drawings of too many or too deeply nested elements.
 */
export function cleanSvg(source: string, onRoot: (root: SvgTag) => ReadonlyMap<string, string>): string {
  const out: string[] = []
  const open: { readonly name: string; readonly isShown: boolean }[] = []
  let elements = 0
  for (const token of tokensOf(source)) {
    const parent = open.at(-1)
    const isShown = parent?.isShown ?? true
    if (token.kind === 'text') {
      if (parent && isShown) out.push(isStyle(parent.name) ? escaped(safeStyle(plainOf(token))) : markupOf(token))
      continue
    }
    if (token.kind === 'end') {
      if (parent?.name !== token.name)
        throw invalidMedia('The drawing is not well-formed: a tag is not closed in order')
      open.pop()
      if (isShown) out.push(`</${token.name}>`)
      continue
    }
    if (++elements > elementsMax) throw invalidMedia(`The drawing has more than ${elementsMax} elements`)
    if (open.length >= depthMax) throw invalidMedia(`The drawing is nested deeper than ${depthMax} elements`)
    const shown = isShown && !leftOut.has(localName(token.name).toLowerCase())
    const attributes = elements === 1 ? onRoot(token) : token.attributes
    if (shown) out.push(`<${token.name}${safeAttributes(attributes)}${token.isEmpty ? '/>' : '>'}`)
    if (!token.isEmpty) open.push({ name: token.name, isShown: shown })
  }
  if (elements === 0 || open.length > 0) throw invalidMedia('The drawing ends in the middle')
  return out.join('')
}

type Token =
  | ({ readonly kind: 'start'; readonly isEmpty: boolean } & SvgTag)
  | { readonly kind: 'end'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string; readonly isPlain: boolean }

/** Comments and processing instructions are passed over, character data is given as text. */
function* tokensOf(source: string): Generator<Token> {
  const skip = (at: number, end: string): number => {
    const found = source.indexOf(end, at)
    if (found < 0) throw invalidMedia('The drawing ends in the middle')
    return found + end.length
  }
  for (let at = 0; at < source.length; ) {
    if (source[at] !== '<') {
      const next = source.indexOf('<', at)
      const end = next < 0 ? source.length : next
      yield { kind: 'text', text: source.slice(at, end), isPlain: false }
      at = end
    } else if (source.startsWith('<!--', at)) at = skip(at + 4, '-->')
    else if (source.startsWith('<?', at)) at = skip(at, '?>')
    else if (source.startsWith('<![CDATA[', at)) {
      const end = skip(at, ']]>')
      yield { kind: 'text', text: source.slice(at + 9, end - 3), isPlain: true }
      at = end
    } else if (source.startsWith('<!', at)) {
      const end = skip(at, '>')
      if (source.slice(at, end).includes('[')) throw invalidMedia('The drawing declares entities, which are not read')
      at = end
    } else {
      const { token, end } = tagAt(source, at)
      yield token
      at = end
    }
  }
}

const tagName = /[A-Za-z_][\w.:-]*/y
const attribute = /\s+([A-Za-z_][\w.:-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y
const tagEnd = /\s*(\/?)>/y

function tagAt(source: string, at: number): { token: Token; end: number } {
  const match = (pattern: RegExp, from: number): RegExpExecArray | null => {
    pattern.lastIndex = from
    return pattern.exec(source)
  }
  const isEnd = source[at + 1] === '/'
  const name = match(tagName, at + (isEnd ? 2 : 1))?.[0]
  if (name === undefined) throw invalidMedia('The drawing is not well-formed: a < begins no tag')
  let end = at + (isEnd ? 2 : 1) + name.length
  const attributes = new Map<string, string>()
  for (let found = match(attribute, end); found && !isEnd; found = match(attribute, end)) {
    attributes.set(found[1] ?? '', found[2] ?? found[3] ?? '')
    end += found[0].length
  }
  const closing = match(tagEnd, end)
  if (!closing) throw invalidMedia(`The drawing is not well-formed: the tag ${name.slice(0, 40)} does not end`)
  end += closing[0].length
  if (isEnd) return { token: { kind: 'end', name }, end }
  return { token: { kind: 'start', name, attributes, isEmpty: closing[1] === '/' }, end }
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)
const isStyle = (name: string): boolean => localName(name).toLowerCase() === 'style'
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

type Text = Extract<Token, { kind: 'text' }>
const markupOf = ({ text, isPlain }: Text): string => (isPlain ? escaped(text) : text)
const plainOf = ({ text, isPlain }: Text): string =>
  isPlain ? text : text.replaceAll('&lt;', '<').replaceAll('&gt;', '>')

/** Escapes could spell `url(` and `@import` in other letters. */
const safeStyle = (text: string): string => (/[\\&]|@import|@font-face/i.test(text) || hasForeignUrl(text) ? '' : text)

/** Spaces stand in one place of the expression at a time: two stretches side by side could share a million in any way. */
const hasForeignUrl = (text: string): boolean => /(?:url|image|src)\s*\(\s*(?:['"]\s*)?(?!['"#\s])/i.test(text)

function safeAttributes(attributes: ReadonlyMap<string, string>): string {
  let text = ''
  for (const [name, value] of attributes) {
    if (isSafe(name, value)) text += ` ${name}="${value.replaceAll('"', '&quot;')}"`
  }
  return text
}

function isSafe(name: string, value: string): boolean {
  const local = localName(name).toLowerCase()
  if (local.startsWith('on') || local === 'base' || local === 'src') return false
  if (local === 'href') return value.startsWith('#') || isSmallPicture(value)
  return !(value.includes('(') && (value.includes('\\') || /&#/.test(value) || hasForeignUrl(value)))
}

function isSmallPicture(value: string): boolean {
  const [, type, text] = /^data:image\/(png|jpeg);base64,([A-Za-z0-9+/=\s]+)$/.exec(value) ?? []
  if (type === undefined || text === undefined) return false
  const size = type === 'png' ? pngSize(Buffer.from(text, 'base64')) : jpegSize(Buffer.from(text, 'base64'))
  return size !== undefined && size.width * size.height <= embeddedPixelsMax
}

interface Size {
  readonly width: number
  readonly height: number
}

function pngSize(bytes: Buffer): Size | undefined {
  if (bytes.length < 24 || bytes.toString('latin1', 12, 16) !== 'IHDR') return undefined
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
}

/** From the first frame header (ITU-T T.81, B.2.2). */
function jpegSize(bytes: Buffer): Size | undefined {
  for (let at = 2; at + 9 <= bytes.length && bytes[at] === 0xff; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes[at + 1] ?? 0
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame) return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) }
  }
  return undefined
}
