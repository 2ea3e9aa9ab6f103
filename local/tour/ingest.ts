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
    let item: Item
    if (facts.bytes <= directBytesMax) {
      const { id, isOld } = await sendDirect(api, sample, name, facts.sha256)
      item = { ...facts, ...began, id, name, site: api.site, way: isOld ? hereAlready : 'in the request' }
    } else {
      const id = `tour-${sample.kind}-${facts.sha256.slice(0, 12)}`
      const upload = facts.bytes >= multipartBytesMin ? 'multipart' : 'single'
      const asset = { ...facts, id, name, mediaType: sample.mediaType, labels: { part: 'tour' }, upload } as const
      const isOld = await isThere(api, id)
      if (!isOld) await uploadFile(api, asset, sample.file)
      const way = isOld ? hereAlready : upload === 'multipart' ? 'in parts' : 'to the store'
      item = { ...facts, ...began, id, name, site: api.site, way }
    }
    items.push(item)
    progress.say(arrivalOf(item, `is in at ${api.site}`))
  })
  return items
}

const hereAlready = 'was here already'

/** What is not sent again is not said to have come. */
function arrivalOf(item: Item, came: string): string {
  const size = sizeText(item.bytes)
  return item.way === hereAlready
    ? `${item.name} ${hereAlready} (${size})`
    : `${item.name} ${came} (${size}, ${item.way})`
}

/** The same request within a day is answered with what the first one made. */
async function sendDirect(
  api: Api,
  sample: Sample,
  name: string,
  sha256: string,
): Promise<{ readonly id: string; readonly isOld: boolean }> {
  const day = new Date().toISOString().slice(0, 10)
  const { body, headers } = await api.call<{ asset: Asset }>('POST', `/v1/assets?name=${encodeURIComponent(name)}`, {
    content: new Uint8Array(await readFile(sample.file)),
    headers: { 'content-type': sample.mediaType, 'idempotency-key': `tour-${day}-${sha256}` },
    status: [200, 202],
  })
  return { id: body.asset.id, isOld: headers.get('idempotency-replayed') === 'true' }
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
    const isOld = await isThere(api, id)
    if (!isOld) {
      await blobs
        .getBlockBlobClient(key)
        .uploadFile(sample.file, { blobHTTPHeaders: { blobContentType: sample.mediaType } })
    }
    const item = { ...facts, ...began, id, name, site: api.site, way: isOld ? hereAlready : 'dropped' }
    items.push(item)
    progress.say(arrivalOf(item, 'is in the Blob container'))
  })
  return items
}

/** Bytes and SHA-256 of a sample, read here and not taken from any answer. */
async function factsOf({ file }: Sample): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return { bytes: (await stat(file)).size, sha256: hash.digest('hex') }
}
