import { expect, test } from '@jest/globals'
import { variantsKey, objectKeyOf, type VariantsBody } from '../../shared/domain/asset.ts'
import { fetchVariants } from '../../shared/core/fetch-variants.ts'
import { fetchForPeer } from '../../shared/core/mend-object.ts'
import { missingShards } from '../../shared/core/missing-objects.ts'
import { namedObjects } from '../../shared/core/named-objects.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import type { Services } from '../../shared/core/services.ts'
import { twoSites } from './two-sites.ts'

const bytesOf = (n: number): Uint8Array => new TextEncoder().encode(`variant ${n}`)
const keyOf = (n: number): string => objectKeyOf('t1', 'photo', sha256Hex(bytesOf(n)))

/** A list of variants that `site` made: the first ones are here, the others at the peer alone. */
async function listed(services: Services, count: number, here: number): Promise<VariantsBody> {
  const variants = Array.from({ length: count }, (_, n) => ({
    id: `v${n}`,
    source: 's',
    mediaType: 'image/webp',
    bytes: bytesOf(n).length,
    sha256: sha256Hex(bytesOf(n)),
    crc64nvme: '',
    properties: {},
  }))
  for (let n = 0; n < here; n++) await services.objects.put(keyOf(n), bytesOf(n), { mediaType: 'image/webp' })
  const failed = { id: 'failed', source: 's', error: { code: 'invalid-media', detail: 'It ends in the middle.' } }
  const body: VariantsBody = { asset: 'photo', site: 'azure', variants: [...variants, failed] }
  await writeRecord(services, variantsKey('t1', 'photo', 'azure'), { precondition: { kind: 'none' } }, () => body)
  return body
}

async function wanted(services: Services): Promise<string[]> {
  const pages = await Promise.all(missingShards.map((shard) => services.siteStore.list(shard, { limit: 100 })))
  return pages.flatMap(({ items }) => items.map(({ id }) => id)).sort()
}

test('what the peer made and is not here is fetched, and what was fetched before is not looked at again and again', async () => {
  const { services } = twoSites().aws
  const body = await listed(services, 30, 27)
  let heads = 0
  const counted: Services = {
    ...services,
    objects: {
      ...services.objects,
      head: async (key) => {
        heads++
        return services.objects.head(key)
      },
    },
  }
  await fetchVariants(counted, 't1', body, 'peer')
  expect(await wanted(services)).toEqual([27, 28, 29].map(keyOf).sort())
  expect(heads).toBe(3 + 8)
})

test('variants are among what verifying goes through and what the peer may ask for', async () => {
  const { services } = twoSites().aws
  await listed(services, 3, 1)
  const record = services.records.get(variantsKey('t1', 'photo', 'azure'))
  const key = (await record)?.key ?? variantsKey('', '', 'aws')
  const entries = [{ key, deleted: false }]
  const named = await namedObjects(services, [{ entries }] as unknown as Parameters<typeof namedObjects>[1])
  expect(named.map((each) => each.key)).toEqual([0, 1, 2].map(keyOf).sort())
  const target = { tenant: 't1', asset: 'photo' }
  expect(await fetchForPeer(services, [{ ...target, key: keyOf(2) }])).toBe(1)
  expect(await fetchForPeer(services, [{ ...target, key: keyOf(99) }])).toBe(0)
  expect(await fetchForPeer(services, [{ tenant: 't1', asset: 'other', key: keyOf(2) }])).toBe(0)
  expect(await wanted(services)).toEqual([keyOf(2)])
})
