import type { AssetBody } from '../domain/asset.ts'
import { CatamaranError } from '../domain/errors.ts'
import { isJsonObject, type JsonObject } from '../domain/json.ts'
import { parseMediaType } from '../domain/media-type.ts'
import { parseAssetName, parseLabels } from '../domain/names.ts'
import { uploadBytesMax } from './upload-parts.ts'
import { singleBytesMax } from './uploads.ts'

export interface NewAsset {
  readonly id?: string
  readonly name: string
  readonly mediaType: string
  readonly bytes?: number
  /** Hex. */
  readonly sha256?: string
  readonly labels?: Readonly<Record<string, string>>
}

const refuse = (pointer: string, detail: string): never => {
  throw new CatamaranError('invalid-request', `${pointer.slice(1)} ${detail}`, { errors: [{ pointer, detail }] })
}

/** The record of a new asset. Throws `invalid-request`, `invalid-name`, `too-large`. */
export function assetBodyOf(input: NewAsset, source: AssetBody['source'], upload: 'single' | 'multipart'): AssetBody {
  const { bytes } = input
  if (bytes !== undefined) {
    if (!Number.isSafeInteger(bytes) || bytes < 1) refuse('/bytes', 'must be a whole number from 1')
    const most = upload === 'single' ? singleBytesMax : uploadBytesMax
    if (bytes > most) {
      const advice = upload === 'single' ? '; use a multipart upload' : ''
      throw new CatamaranError('too-large', `This kind of upload holds at most ${most} bytes${advice}.`)
    }
  }
  const sha256 = input.sha256?.toLowerCase()
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) refuse('/sha256', 'must be 64 hex digits')
  return {
    name: parseAssetName(input.name),
    mediaType: parseMediaType(input.mediaType),
    ...(bytes === undefined ? {} : { bytes }),
    ...(sha256 === undefined ? {} : { sha256 }),
    labels: parseLabels(input.labels),
    source,
  }
}

/** RFC 7396 on what people may change: name and labels. Throws `invalid-request`, `invalid-name`. */
export function patchedBody(body: AssetBody, patch: JsonObject): AssetBody {
  const fixed = Object.keys(patch).find((name) => name !== 'name' && name !== 'labels')
  if (fixed !== undefined) refuse(`/${fixed}`, 'cannot be changed')
  const { name = body.name, labels = {} } = patch
  if (typeof name !== 'string') return refuse('/name', 'must be text')
  if (labels === null) return { ...body, name: parseAssetName(name), labels: {} }
  if (!isJsonObject(labels)) return refuse('/labels', 'must be an object')
  const merged = Object.entries({ ...body.labels, ...labels }).filter(([, value]) => value !== null)
  return { ...body, name: parseAssetName(name), labels: parseLabels(Object.fromEntries(merged)) }
}
