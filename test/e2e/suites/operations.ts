import { DeleteObjectCommand, GetObjectCommand } from '@aws-sdk/client-s3'
import { BlobServiceClient } from '@azure/storage-blob'
import { describe, expect, test } from '@jest/globals'
import { bucketOf } from '../../../local/aws/bucket-of.ts'
import { until } from '../../../local/tour/until.ts'
import { uploadFile } from '../../../local/tour/upload.ts'
import type { Site } from '../../../shared/domain/site.ts'
import { type Bytes, randomFile, sha256Of, untilReadyAtBoth } from '../assets-tools.ts'
import { type Pair, unique } from '../pair.ts'

interface OperationView {
  readonly id: string
  readonly state: string
  readonly counts: Record<string, number>
  readonly found: Record<string, number>
  readonly examples: readonly { readonly kind: string; readonly what: string }[]
  readonly progress: { readonly fraction: number }
}

export function operationsSuite(pair: () => Pair): void {
  describe('operations', () => {
    async function run(site: Site, kind: string, json: object): Promise<OperationView> {
      const here = pair().apis[site]
      const begun = await here.call<OperationView>('POST', `/v1/replication/${kind}`, { json, status: 202 })
      const location = begun.headers.get('location') ?? ''
      let seen: OperationView | undefined
      return until(
        `the ${kind} ended`,
        async () => {
          seen = await here.get<OperationView>(location)
          return seen.state !== 'running' && seen
        },
        { timeoutMs: 120_000, everyMs: 500, seen: () => seen },
      )
    }

    test('verify goes through everything; what was written a moment ago is no alarm', async () => {
      const id = unique('verified')
      const path = `/v1/collections/verified/records/${id}`
      await pair().apis.aws.call('PUT', path, { json: { id }, headers: { 'if-none-match': '*' }, status: 201 })
      const done = await run('aws', 'verify', {})
      expect([done.state, done.progress.fraction]).toEqual(['done', 1])
      expect(done.counts['records']).toBeGreaterThan(0)
      expect(done.counts['peerRecords']).toBeGreaterThan(0)
      expect(done.examples.filter(({ what }) => what.includes(id))).toEqual([])
      expect(Object.keys(done.found).filter((kind) => kind.startsWith('record-'))).toEqual([])
    })

    test('a deep repair brings back an object that one store lost and mends one that the other damaged', async () => {
      const [lost, damaged] = [await upload('lost'), await upload('damaged')]
      const keyOf = ({ id, file }: Uploaded): string => `objects/${pair().tenant}/${id}/${file.sha256}`
      const { s3, bucket: Bucket } = await bucketOf(pair().clouds.connections.aws, 'objects')
      await s3.send(new DeleteObjectCommand({ Bucket, Key: keyOf(lost) }))
      const blob = BlobServiceClient.fromConnectionString(pair().clouds.connections.azure.storage)
        .getContainerClient('objects')
        .getBlockBlobClient(keyOf(damaged))
      const { metadata = {}, contentType: blobContentType = '' } = await blob.getProperties()
      const rubbish = Buffer.alloc(damaged.file.bytes, 7)
      await blob.uploadData(rubbish, { metadata, blobHTTPHeaders: { blobContentType } })

      const done = await run('azure', 'repair', { deep: true })
      expect(done.state).toBe('done')
      const found = (what: string) => done.examples.filter((each) => each.what === what).map(({ kind }) => kind)
      expect([found(keyOf(lost)), found(keyOf(damaged))]).toEqual([['object-missing'], ['object-corrupt']])
      await until(
        'the damaged bytes mended',
        async () => sha256Of(await blob.downloadToBuffer()) === damaged.file.sha256,
      )
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: keyOf(lost) }))
      expect(sha256Of((await Body?.transformToByteArray()) ?? new Uint8Array())).toBe(lost.file.sha256)
    })

    interface Uploaded {
      readonly id: string
      readonly file: Bytes
    }

    async function upload(name: string): Promise<Uploaded> {
      const file = await randomFile(pair(), 100_000)
      const id = unique(name)
      const { bytes, sha256 } = file
      const asset = { id, name, bytes, sha256, mediaType: 'application/octet-stream', upload: 'single' } as const
      await uploadFile(pair().apis.aws, asset, file.path)
      await untilReadyAtBoth(pair(), id)
      return { id, file }
    }
  })
}
