import { assetKey, type AssetBody } from '../domain/asset.ts'
import { imagePolicyDefault, policyNamePattern, type ImagePolicy } from '../domain/image-policy.ts'
import type { RecordKey } from '../domain/record.ts'
import type { Inspection } from '../ports/media-converter.ts'
import { withPolicy } from './policy-recipes.ts'
import { readRecord, readRecords } from './record-reads.ts'
import type { Services } from './services.ts'

export const imagePoliciesCollection = '_image-policies'
/** The policy of the assets whose label names none. */
const policyNameDefault = 'default'
/** The label that puts an asset into a collection of assets. */
const collectionLabel = 'collection'

/** A policy is a record of its tenant, so it replicates like any other. */
export const imagePolicyKey = (tenant: string, name: string): RecordKey => ({
  tenant,
  collection: imagePoliciesCollection,
  id: name,
})

/** The policy of the collection that an asset's label names, else the tenant's default one, else the built-in one. */
export async function imagePolicyOf(
  services: Services,
  tenant: string,
  body: AssetBody | undefined,
): Promise<ImagePolicy> {
  const names = [body?.labels[collectionLabel] ?? '', policyNameDefault].filter((name) => policyNamePattern.test(name))
  const records = await readRecords(
    services,
    names.map((name) => imagePolicyKey(tenant, name)),
  )
  const found = records.find((record) => record?.body)?.body as Partial<ImagePolicy> | undefined
  return { ...imagePolicyDefault, ...found }
}

/** What an inspection found and proposes, as the policy for this asset has it. */
export async function applyImagePolicy(
  services: Services,
  { tenant, asset }: { readonly tenant: string; readonly asset: string },
  inspection: Inspection,
): Promise<Inspection> {
  const isShown = inspection.kind === 'document' && inspection.properties['thumbhash'] !== undefined
  if (inspection.kind !== 'image' && !isShown) return inspection
  const record = await readRecord(services, assetKey(tenant, asset))
  return withPolicy(inspection, await imagePolicyOf(services, tenant, record?.body as AssetBody | undefined))
}
