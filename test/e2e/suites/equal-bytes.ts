import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { BlobServiceClient } from '@azure/storage-blob'
import { expect, test } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import sharp from 'sharp'
import { bucketOf } from '../../../local/aws/bucket-of.ts'
import type { Api } from '../../../local/tour/api.ts'
import type { Asset } from '../../../local/tour/upload.ts'
import { sendDirect, untilReadyAtBoth } from '../assets-tools.ts'
import { type Pair, sites, unique } from '../pair.ts'

export function equalBytesSuite(pair: () => Pair): void {
  test('a photo that comes twice to one site and once to the other is stored once', async () => {
    const png = await sharp(randomBytes(48 * 32 * 3), { raw: { width: 48, height: 32, channels: 3 } })
      .png()
      .toBuffer()
    const { aws, azure } = pair().apis
    const assets: Asset[] = []
    for (const api of [aws, aws, azure]) {
      const { id } = await sendDirect(api, unique('again.png'), new Uint8Array(png), 'image/png')
      assets.push(await untilReadyAtBoth(pair(), id))
    }
    const [first, ...others] = assets
    if (!first) throw new Error('nothing was sent')
    expect(first.renditions.length).toBeGreaterThan(0)
    for (const site of sites) {
      const stored = await storedAt(pair(), site, first)
      expect(stored.length).toBe(1 + new Set(first.renditions.map(({ sha256 }) => sha256)).size)
      expect(await readAt(pair().apis[site], first)).toEqual(stored)
      for (const other of others) {
        expect(await readAt(pair().apis[site], other)).toEqual(stored)
        expect(await storedAt(pair(), site, other)).toEqual([])
      }
    }
  })
}

/** The keys of the objects that an asset's bytes and renditions are read from. */
async function readAt(api: Api, { id, renditions }: Asset): Promise<string[]> {
  const paths = ['content', ...renditions.map(({ name }) => `renditions/${name}`)]
  const keys = await Promise.all(
    paths.map(async (path) => {
      const { headers } = await api.call('GET', `/v1/assets/${id}/${path}`, { status: 307 })
      const { pathname } = new URL(headers.get('location') ?? '')
      return pathname.slice(pathname.lastIndexOf('objects/'))
    }),
  )
  return [...new Set(keys)].sort()
}

/** What a store holds that was made for this asset. */
async function storedAt({ clouds, tenant }: Pair, site: (typeof sites)[number], { id }: Asset): Promise<string[]> {
  const prefix = `objects/${tenant}/${id}/`
  if (site === 'aws') {
    const { s3, bucket: Bucket } = await bucketOf(clouds.connections.aws, 'objects')
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: prefix }))
    return Contents.map(({ Key = '' }) => Key).sort()
  }
  const container = BlobServiceClient.fromConnectionString(clouds.connections.azure.storage).getContainerClient(
    'objects',
  )
  const names: string[] = []
  for await (const { name } of container.listBlobsFlat({ prefix })) names.push(name)
  return names.sort()
}
