import { assetKey, mediaKey, type AssetBody, type MediaBody } from '../domain/asset.ts'
import { isAssetId } from '../domain/names.ts'
import type { StoredRecord } from '../domain/record.ts'
import type { CaptionTrack } from '../playback/stream.ts'
import { readRecords } from './record-reads.ts'
import type { Services } from './services.ts'

/** A label of a film that names an asset of subtitles, by the language in which they are (RFC 5646). */
const labelPattern = /^captions-([a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3})$/
/** What a subtitle file becomes. */
export const subtitleRendition = 'captions'
const sidecarsMax = 16

/** Subtitles that were uploaded as an asset of their own. */
export interface Sidecar {
  readonly caption: CaptionTrack
  readonly asset: string
  /** Which names its bytes. */
  readonly record: StoredRecord
}

/** The subtitles that a film's labels name, as far as they are there and ready, in the order of their languages. */
export async function sidecarCaptions(services: Services, tenant: string, { labels }: AssetBody): Promise<Sidecar[]> {
  const named = Object.entries(labels)
    .flatMap(([label, asset]) => {
      const language = labelPattern.exec(label)?.[1]
      return language === undefined || !isAssetId(asset) ? [] : [{ language, asset }]
    })
    .sort((a, b) => (a.language < b.language ? -1 : 1))
    .slice(0, sidecarsMax)
  if (named.length === 0) return []
  const keys = named.flatMap(({ asset }) => [assetKey(tenant, asset), mediaKey(tenant, asset)])
  const records = await readRecords(services, keys)
  return named.flatMap(({ language, asset }, index) => {
    const [about, record] = records.slice(2 * index, 2 * index + 2)
    const media = record?.body as MediaBody | undefined
    if (!about || !record || media?.status !== 'ready') return []
    const found = media.renditions.find(({ name }) => name === subtitleRendition)
    if (found?.mediaType !== 'text/vtt') return []
    const rendition = { ...found, name: `captions-${language}` }
    return [{ caption: { rendition, language }, asset, record }]
  })
}
