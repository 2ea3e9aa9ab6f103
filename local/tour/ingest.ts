import { BlobServiceClient } from '@azure/storage-blob'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parseDropKey } from '../../shared/domain/names.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { Sample } from '../samples/make.ts'
import type { Clouds } from '../supervisor/clouds.ts'
import type { Api } from './api.ts'
import { type Progress, sizeText } from './progress.ts'
import { type Asset, forEach, uploadFile } from './upload.ts'

/** One file of the tour, and how far it has come. */
export interface Item {
  readonly id: string
  readonly name: string
  /** Where it goes in. */
  readonly site: Site
  readonly way: string
  readonly bytes: number
  readonly sha256: string
  /** Seconds since the tour began. */
  readonly beganS: number
  readonly readyS: Partial<Record<Site, number>>
  readonly views: Partial<Record<Site, Asset>>
}

/** Every asset of the tour has a name that begins so. */
export const namePrefix = 'tour/'

const multipartBytesMin = 8_000_000
const directBytesMax = 100_000
const filesAtOnceMax = 3

/** Through the API: small files in the request itself, large ones in parts, the rest in one piece straight to the store. */
export async function ingestByApi(api: Api, samples: readonly Sample[], progress: Progress): Promise<Item[]> {
  const items: Item[] = []
  await forEach(samples, filesAtOnceMax, async (sample) => {
    const facts = await factsOf(sample)
    const name = `${namePrefix}${api.site}/${basename(sample.file)}`
    const began = { beganS: progress.seconds(), readyS: {}, views: {} }
    if (facts.bytes <= directBytesMax) {
      const id = await sendDirect(api, sample, name, facts.sha256)
      items.push({ ...facts, ...began, id, name, site: api.site, way: 'in the request' })
    } else {
      const id = `tour-${sample.kind}-${facts.sha256.slice(0, 12)}`
      const upload = facts.bytes >= multipartBytesMin ? 'multipart' : 'single'
      const asset = { ...facts, id, name, mediaType: sample.mediaType, labels: { part: 'tour' }, upload } as const
      if (!(await isThere(api, id))) await uploadFile(api, asset, sample.file)
      const way = upload === 'multipart' ? 'in parts' : 'to the store'
      items.push({ ...facts, ...began, id, name, site: api.site, way })
    }
    progress.say(`${name} is in at ${api.site} (${sizeText(facts.bytes)}, ${items.at(-1)?.way})`)
  })
  return items
}

async function sendDirect(api: Api, sample: Sample, name: string, sha256: string): Promise<string> {
  const day = new Date().toISOString().slice(0, 10)
  const { body } = await api.call<{ asset: Asset }>('POST', `/v1/assets?name=${encodeURIComponent(name)}`, {
    content: new Uint8Array(await readFile(sample.file)),
    headers: { 'content-type': sample.mediaType, 'idempotency-key': `tour-${day}-${sha256}` },
    status: [200, 202],
  })
  return body.asset.id
}

/** An earlier tour on the same data brought it. */
async function isThere(api: Api, id: string): Promise<boolean> {
  const { status, body } = await api.call<Asset>('GET', `/v1/assets/${id}`, { status: [200, 404] })
  return status === 200 && body.status !== 'awaiting-upload'
}

/** Files put straight into the Blob container, as any tool of that cloud would. */
export async function ingestByDrop(
  clouds: Clouds,
  api: Api,
  tenant: string,
  samples: readonly Sample[],
  progress: Progress,
): Promise<Item[]> {
  const blobs = BlobServiceClient.fromConnectionString(clouds.connections.azure.storage).getContainerClient('uploads')
  const items: Item[] = []
  await forEach(samples, filesAtOnceMax, async (sample) => {
    const facts = await factsOf(sample)
    const name = `${namePrefix}${api.site}/${basename(sample.file)}`
    const key = `drop/${tenant}/${name}`
    const drop = parseDropKey(key)
    if (drop.kind !== 'drop') throw new Error(`${key} is no name for a drop`)
    const id = drop.assetId
    const began = { beganS: progress.seconds(), readyS: {}, views: {} }
    if (!(await isThere(api, id))) {
      await blobs
        .getBlockBlobClient(key)
        .uploadFile(sample.file, { blobHTTPHeaders: { blobContentType: sample.mediaType } })
    }
    items.push({ ...facts, ...began, id, name, site: api.site, way: 'dropped' })
    progress.say(`${name} was dropped into the Blob container (${sizeText(facts.bytes)})`)
  })
  return items
}

/** Bytes and SHA-256 of a sample, read here and not taken from any answer. */
async function factsOf({ file }: Sample): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return { bytes: (await stat(file)).size, sha256: hash.digest('hex') }
}
