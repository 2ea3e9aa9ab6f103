import { variantsKey, type VariantBody, type VariantsBody } from '../domain/asset.ts'
import type { StoredRecord } from '../domain/record.ts'
import { readRecord } from './record-reads.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'

/** So many images one site makes of one original because somebody asks; whoever wants more wants another picture. */
export const variantsMax = 128

export interface VariantRef {
  readonly tenant: string
  readonly asset: string
  readonly id: string
}

export const variantsOf = (record: StoredRecord | undefined): readonly VariantBody[] =>
  (record?.body as VariantsBody | undefined)?.variants ?? []

/** The variants that this site made. */
export const ownVariants = async (services: Services, { tenant, asset }: VariantRef): Promise<readonly VariantBody[]> =>
  variantsOf(await readRecord(services, variantsKey(tenant, asset, services.site)))

/** How many of those made of `source` are there: what was made of an earlier original gives way. */
export const countOf = (variants: readonly VariantBody[], source: string): number =>
  variants.filter((each) => each.source === source).length

/** Lists a variant that is whole and stored; one that is listed already stays as it is. False when there are too many. */
export async function listVariant(services: Services, ref: VariantRef, variant: VariantBody): Promise<boolean> {
  const { tenant, asset } = ref
  const listed = { isListed: true }
  const key = variantsKey(tenant, asset, services.site)
  await writeRecord(services, key, { precondition: { kind: 'none' } }, (body) => {
    const present = (body as VariantsBody | undefined)?.variants ?? []
    listed.isListed = true
    if (body && present.some(({ id }) => id === variant.id)) return body
    const variants = present.filter(({ source }) => source === variant.source)
    if (variants.length >= variantsMax) {
      listed.isListed = false
      return body ?? null
    }
    return { asset, site: services.site, variants: [...variants, variant] }
  })
  return listed.isListed
}
