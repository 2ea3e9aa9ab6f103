import type { RecordKey } from './record.ts'
import type { Site } from './site.ts'

/**
 * Equal bytes of a tenant are stored once: the media record of a later asset, the sharer, names the objects of an earlier one,
 * the donor. Both records below are written by their own site alone, so they cannot conflict.
 */

/** Where a site notes which assets it brought of these bytes. */
export const contentsKey = (tenant: string, sha256: string, site: Site): RecordKey => ({
  tenant,
  collection: '_contents',
  id: `${sha256}-${site}`,
})

/** Where a site notes which assets it lets name the objects of this one. */
export const sharersKey = (tenant: string, asset: string, site: Site): RecordKey => ({
  tenant,
  collection: '_sharers',
  id: `${asset}-${site}`,
})

/** The newest last; the oldest give way. */
export type ContentsBody = { sha256: string; site: Site; assets: string[] }

/** Only ever grows: one too many keeps bytes, one too few would lose them. */
export type SharersBody = { asset: string; site: Site; sharers: string[] }

/** Whether an object was made for this very asset. */
export const isOwnObject = (tenant: string, asset: string, objectKey: string): boolean =>
  objectKey.startsWith(`objects/${tenant}/${asset}/`)

/** The asset that an object was made for. */
export const donorOfKey = (objectKey: string): string => objectKey.split('/')[2] ?? ''
