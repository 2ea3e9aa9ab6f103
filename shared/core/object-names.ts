import { mediaKey, objectKeyOf, objectKeysOf, variantsKey, type MediaBody, type VariantsBody } from '../domain/asset.ts'
import type { RecordKey, StoredRecord } from '../domain/record.ts'
import { sites } from '../domain/site.ts'
import { bytesOf, type CopyTarget } from './missing-objects.ts'

/** An object that a record says to be there. */
export type SaidObject = CopyTarget & { readonly bytes: number }

/** Whether records of this collection name objects. */
export const namesObjects = (collection: string): boolean => collection === '_media' || collection === '_variants'

/** The records that may name an asset's objects. */
export const namingKeys = (tenant: string, asset: string): readonly RecordKey[] => [
  mediaKey(tenant, asset),
  ...sites.map((site) => variantsKey(tenant, asset, site)),
]

/** Every object that a record names. */
export function objectsNamedBy({ key, body }: Pick<StoredRecord, 'key' | 'body'>): readonly SaidObject[] {
  const { tenant, collection, id } = key
  if (!body) return []
  if (collection === '_variants') return variantObjects(tenant, body as VariantsBody)
  if (collection !== '_media') return []
  const media = body as MediaBody
  return objectKeysOf(media).map((each) => ({ tenant, asset: id, key: each, bytes: bytesOf(media, each) }))
}

/** The newest last. */
export const variantObjects = (tenant: string, { asset, variants }: VariantsBody): SaidObject[] =>
  variants.flatMap((each) =>
    'sha256' in each ? [{ tenant, asset, key: objectKeyOf(tenant, asset, each.sha256), bytes: each.bytes }] : [],
  )
