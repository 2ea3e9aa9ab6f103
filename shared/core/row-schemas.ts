import { assetKey, rowsCollection, type AssetBody } from '../domain/asset.ts'
import type { JsonObject } from '../domain/json.ts'
import { collectionKey, rowSchemaIn } from './collections.ts'
import { readRecord } from './record-reads.ts'
import type { Services } from './services.ts'

/** The label by which an asset names the collection whose schema its rows are held to. */
const schemaLabel = 'row-schema'

/**
 * The JSON Schema that the rows of a data file are held to: that of the collection they go to, else that of the collection
 * which the asset's label names. Undefined when there is none.
 */
export async function readRowSchema(
  services: Services,
  tenant: string,
  asset: string,
): Promise<JsonObject | undefined> {
  const own = await schemaOf(services, tenant, rowsCollection(asset))
  if (own) return own
  const record = await readRecord(services, assetKey(tenant, asset))
  const named = (record?.body as AssetBody | undefined)?.labels[schemaLabel]
  return named === undefined ? undefined : schemaOf(services, tenant, named)
}

async function schemaOf(services: Services, tenant: string, collection: string): Promise<JsonObject | undefined> {
  const settings = await readRecord(services, collectionKey(tenant, collection))
  return rowSchemaIn(settings?.body)
}
