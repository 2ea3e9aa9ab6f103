import { CatamaranError } from './errors.ts'
import { derivedId } from './hash.ts'

const nameBytesMax = 1_024
const labelsMax = 50
const labelValueBytesMax = 256
const assetIdPattern = /^[a-z0-9][a-z0-9-]{0,57}$/
const tenantPattern = /^[a-z0-9][a-z0-9-]{0,62}$/
const labelPattern = /^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,62}$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const controlPattern = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/
/** Half-written files of common tools: the final name follows. */
const temporaryPattern = /(\.(part|partial|filepart|tmp|temp|crdownload|swp)|~)$/i

const refuse = (pointer: string, detail: string): never => {
  throw new CatamaranError('invalid-name', `${pointer.slice(1)} ${detail}`, { errors: [{ pointer, detail }] })
}

/** What is wrong with a name as text, if anything. */
function textFault(text: string): string | undefined {
  if (text === '') return 'must not be empty'
  if (!text.isWellFormed()) return 'must be well-formed Unicode'
  if (controlPattern.test(text)) return 'must not hold control characters'
  if (Buffer.byteLength(text.normalize('NFC')) > nameBytesMax) return `must not exceed ${nameBytesMax} bytes of UTF-8`
  return undefined
}

/** An asset's name in Unicode NFC. Throws `invalid-name`. */
export function parseAssetName(text: string): string {
  const fault = textFault(text)
  return fault ? refuse('/name', fault) : text.normalize('NFC')
}

/** Names of tenants, which stand in keys of objects. */
export const isTenant = (text: string): boolean => tenantPattern.test(text)

export const isAssetId = (text: string): boolean => assetIdPattern.test(text)

/** An asset's id: it also names the collection of its rows. Throws `invalid-name`. */
export const parseAssetId = (text: string): string =>
  isAssetId(text) ? text : refuse('/id', 'must be 1 to 58 of a-z, 0-9 and -')

/** Labels as they are stored. Throws `invalid-name`. */
export function parseLabels(value: unknown): { [name: string]: string } {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse('/labels', 'must be an object')
  const entries = Object.entries(value)
  if (entries.length > labelsMax) refuse('/labels', `must not hold more than ${labelsMax} labels`)
  return Object.fromEntries(
    entries.map(([name, text]: [string, unknown]) => {
      if (!labelPattern.test(name))
        refuse('/labels', `has a name that is not allowed: ${JSON.stringify(name.slice(0, 60))}`)
      if (typeof text !== 'string' || !text.isWellFormed() || Buffer.byteLength(text) > labelValueBytesMax) {
        return refuse(`/labels/${pointerPart(name)}`, `must be text of at most ${labelValueBytesMax} bytes`)
      }
      return [name, text]
    }),
  )
}

const pointerPart = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

export type DropName =
  | { readonly kind: 'drop'; readonly tenant: string; readonly path: string; readonly assetId: string }
  /** Not meant to become an asset: a folder marker, a hidden or a half-written file. */
  | { readonly kind: 'ignored'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string }

/** Reads `drop/<tenant>/<path>`. The asset's id follows from tenant and path, so both sites give the same. */
export function parseDropKey(key: string): DropName {
  const [area, tenant = '', ...segments] = key.split('/')
  if (area !== 'drop') return { kind: 'ignored', reason: 'not in the drop area' }
  if (!isTenant(tenant)) return { kind: 'refused', reason: 'the second segment is not a tenant' }
  if (segments.length === 0 || segments.at(-1) === '') return { kind: 'ignored', reason: 'a folder marker' }
  const path = segments.join('/').normalize('NFC')
  const fault = textFault(segments.join('/'))
  if (fault) return { kind: 'refused', reason: `the path ${fault}` }
  if (path.includes('\\')) return { kind: 'refused', reason: 'the path must not hold a backslash' }
  if (segments.some((segment) => segment === '')) return { kind: 'refused', reason: 'the path has an empty segment' }
  if (segments.some((segment) => segment === '.' || segment === '..')) {
    return { kind: 'refused', reason: 'the path must not hold . or .. segments' }
  }
  if (segments.some((segment) => segment.startsWith('.'))) return { kind: 'ignored', reason: 'a hidden file' }
  if (temporaryPattern.test(path)) return { kind: 'ignored', reason: 'a half-written file' }
  return { kind: 'drop', tenant, path, assetId: derivedId('drop', tenant, path) }
}
