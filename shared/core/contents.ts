import { assetKey, mediaKey, objectKeyOf, objectKeysOf, type MediaBody } from '../domain/asset.ts'
import { derivedId } from '../domain/hash.ts'
import { canonicalJson, type JsonObject } from '../domain/json.ts'
import { contentsKey, isOwnObject, type ContentsBody } from '../domain/shared-bytes.ts'
import { sites } from '../domain/site.ts'
import type { Inspection } from '../ports/media-converter.ts'
import { readRecords } from './record-reads.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'
import type { Digests } from './work-file.ts'

/** So many assets of the same bytes a site remembers: one that is deleted, or was made otherwise, is no donor. */
const donorsMax = 8
const none = { precondition: { kind: 'none' } } as const

/** Bytes that a run has read and verified, and what it is about to make of them. */
export interface Content extends Digests {
  readonly tenant: string
  readonly asset: string
  readonly print: string
}

export interface Donor {
  readonly asset: string
  readonly media: MediaBody
  readonly objectKey: string
}

/** What is made of bytes, as far as it follows from them. Undefined for data files: their rows are records of one asset. */
export function printOf({ mediaType, kind, recipes }: Inspection): string | undefined {
  if (recipes.some(({ name }) => name === 'rows')) return undefined
  return derivedId('print', mediaType, kind, canonicalJson(recipes as unknown as JsonObject[]))
}

/** Notes that this asset is about to be made of these bytes. Whoever finds it looks whether that was done. */
export async function noteContent(services: Services, { tenant, asset, sha256 }: Content): Promise<void> {
  const { site } = services
  await writeRecord(services, contentsKey(tenant, sha256, site), none, (body) => {
    const assets = (body as ContentsBody | undefined)?.assets ?? []
    if (body && assets.includes(asset)) return body
    return { sha256, site, assets: [...assets.slice(1 - donorsMax), asset] }
  })
}

/**
 * Assets of the same tenant that are live and ready, of the same bytes, and made the same way. What a note says, either
 * site's, is a hint and no more: a donor's own record has to say all of it, and name nothing but objects made for it.
 */
export async function donorsOf(services: Services, content: Content): Promise<Donor[]> {
  const { tenant, asset, sha256 } = content
  const notes = await readRecords(
    services,
    sites.map((site) => contentsKey(tenant, sha256, site)),
  )
  const noted = notes.flatMap((note) => (note?.body as ContentsBody | undefined)?.assets.slice(-donorsMax) ?? [])
  const others = [...new Set(noted)].filter((id) => id !== asset)
  if (others.length === 0) return []
  const records = await readRecords(
    services,
    others.flatMap((id) => [assetKey(tenant, id), mediaKey(tenant, id)]),
  )
  return others.flatMap((id, index) => {
    const [live, media] = [records[2 * index], records[2 * index + 1]]
    const body = live && (media?.body as MediaBody | undefined)
    return body && isDonor(content, id, body)
      ? [{ asset: id, media: body, objectKey: objectKeyOf(tenant, id, sha256) }]
      : []
  })
}

const isDonor = ({ tenant, sha256, bytes, crc64nvme, print }: Content, id: string, media: MediaBody): boolean =>
  media.status === 'ready' &&
  media.print === print &&
  media.sha256 === sha256 &&
  media.bytes === bytes &&
  media.crc64nvme === crc64nvme &&
  media.objectKey === objectKeyOf(tenant, id, sha256) &&
  objectKeysOf(media).every((key) => isOwnObject(tenant, id, key))
