import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { createAssetFromBytes, deleteAsset, getAsset, patchAsset } from '../../shared/core/assets.ts'
import { analyse } from '../../shared/core/analyse.ts'
import { groupDeadLetters } from '../../shared/core/dead-letter-replay.ts'
import { imagePolicyKey } from '../../shared/core/image-policy.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { onRecordChanged } from '../../shared/core/effects.ts'
import { analysisKey, type Findings } from '../../shared/domain/analysis.ts'
import { mediaKey } from '../../shared/domain/asset.ts'
import { CatamaranError, type ErrorCode } from '../../shared/domain/errors.ts'
import { mediaConverter } from '../../shared/media/converter.ts'
import { memoryAnalysis, type MemoryAnalysis } from '../memory/analysis.ts'
import { faultsOf, ingestWorld, tenant, type IngestWorld } from './ingest-world.ts'

const findings: Findings = {
  labels: [{ name: 'boat', category: 'vehicle', confidence: 0.91234567, boxes: [], label: 'Boat' }],
  moderation: [],
}
const converter = mediaConverter({ ffmpeg: undefined })
const none = { precondition: { kind: 'none' } } as const
let service: MemoryAnalysis
let world: IngestWorld

beforeEach(async () => {
  service = memoryAnalysis({ features: ['labels', 'moderation'], findings })
  world = await ingestWorld({ converter, analysis: { aws: service } })
})
afterEach(() => world.close())

/** Lies on its side, and knows where it was taken. */
async function photo(side = 240): Promise<Uint8Array<ArrayBuffer>> {
  const image = sharp({ create: { width: side, height: 160, channels: 3, background: '#e02020' } })
  const data = await image
    .jpeg()
    .withExif({ IFD0: { Copyright: 'nobody-may-know' }, IFD3: { GPSLatitude: '52/1 31/1 0/1', GPSLatitudeRef: 'N' } })
    .withMetadata({ orientation: 6 })
    .toBuffer()
  return new Uint8Array(data)
}

async function upload(id: string, bytes: Uint8Array<ArrayBuffer>, at: 'aws' | 'azure' = 'aws'): Promise<void> {
  const input = { id, name: `${id}.jpg`, mediaType: 'image/jpeg' }
  await createAssetFromBytes(world[at].services, tenant, input, bytes)
  await world.settle()
}

const shown = async (at: 'aws' | 'azure', id = 'photo') => (await getAsset(world[at].services, tenant, id))?.analysis
const fault = (code: ErrorCode): CatamaranError =>
  new CatamaranError(code, 'inner words', { publicMessage: 'It does not answer.' })

test('what the service of the site that processed found is shown at both', async () => {
  await upload('photo', await photo())
  expect(service.seen).toHaveLength(1)
  const there = await shown('azure')
  expect(there).toEqual({
    state: 'done',
    service: 'memory',
    site: 'aws',
    models: { labels: '1', moderation: '1' },
    labels: [{ name: 'boat', category: 'vehicle', confidence: 0.9123, boxes: [], label: 'Boat' }],
    moderation: [],
  })
  expect(await shown('aws')).toEqual(there)
  expect(faultsOf(world)).toEqual([])
})

test('the picture that is sent is upright, is whole, and knows nothing but its pixels', async () => {
  await upload('photo', await photo())
  const [picture] = service.seen
  expect([picture?.mediaType, picture?.width, picture?.height]).toEqual(['image/jpeg', 160, 240])
  const sent = Buffer.from(picture?.bytes ?? [])
  const folder = await world.aws.work.workFolder()
  await writeFile(join(folder.path, 'sent.jpg'), sent)
  const header = await sharp(join(folder.path, 'sent.jpg')).metadata()
  expect([header.width, header.height, header.exif, header.orientation]).toEqual([160, 240, undefined, undefined])
  expect(sent.includes('nobody-may-know')).toBe(false)
})

test('where a policy leaves no picture that could be sent, one is made and not kept', async () => {
  const policy = { presets: {}, prepare: [], widths: [], animation: 'keep', location: 'hide', public: false }
  await writeRecord(world.aws.services, imagePolicyKey(tenant, 'default'), none, () => policy)
  await upload('photo', await photo())
  expect(service.seen).toHaveLength(1)
  expect(Buffer.from(service.seen[0]?.bytes ?? []).includes('nobody-may-know')).toBe(false)
  const media = await world.aws.records.get(mediaKey(tenant, 'photo'))
  expect(media?.body?.['renditions']).toEqual([])
  expect(world.aws.objects.all().filter(({ info }) => info.key.startsWith('objects/'))).toHaveLength(1)
})

test('a large picture is sent scaled down, and what fits no service is told and not tried again', async () => {
  await upload('large', await photo(2_000))
  expect([service.seen[0]?.width, service.seen[0]?.height]).toEqual([160, 2_000])
  const small = memoryAnalysis({
    features: ['labels'],
    findings,
    takes: { bytesMax: 1e6, sidePixelsMin: 161, sidePixelsMax: 9e3 },
  })
  const picky = await ingestWorld({ converter, analysis: { azure: small } })
  await createAssetFromBytes(
    picky.azure.services,
    tenant,
    { id: 'photo', name: 'p', mediaType: 'image/jpeg' },
    await photo(),
  )
  await picky.settle()
  await picky.pass(60)
  const view = await getAsset(picky.aws.services, tenant, 'photo')
  expect([view?.status, view?.analysis?.state, view?.analysis?.error?.code]).toEqual([
    'ready',
    'failed',
    'invalid-media',
  ])
  expect(faultsOf(picky)).toEqual([])
  await picky.close()
})

test('a service that is away is asked again, and the asset is ready all the while', async () => {
  service.faults.push(fault('throttled'), fault('unavailable'))
  await upload('photo', await photo())
  const waiting = await getAsset(world.aws.services, tenant, 'photo')
  expect([waiting?.status, waiting?.analysis]).toEqual([
    'ready',
    { state: 'waiting', service: 'memory', site: 'aws', error: { code: 'throttled', detail: 'It does not answer.' } },
  ])
  await world.pass(5)
  expect((await shown('azure'))?.state).toBe('done')
  expect(service.seen).toHaveLength(1)
})

describe('messages that are lost', () => {
  let sent: number
  /** By the number of the message. */
  let isLost: (message: number) => boolean
  beforeEach(() => {
    sent = 0
    const { queue } = world.aws
    const send = queue.send.bind(queue)
    queue.send = async (message, options) => {
      if (message.kind !== 'analyse' || !isLost(++sent)) await send(message, options)
    }
  })

  test('the first one is sent again by the sweep', async () => {
    isLost = (message) => message === 1
    await upload('photo', await photo())
    await world.pass(15)
    expect([await shown('aws'), service.seen.length]).toEqual([undefined, 0])
    await world.pass(10)
    expect([(await shown('azure'))?.state, service.seen.length]).toEqual(['done', 1])
    await world.pass(60)
    expect(service.seen).toHaveLength(1)
    expect(world.aws.siteStore.all().filter(({ partition }) => partition.startsWith('open-analyses'))).toEqual([])
  })

  test('that of a second try is, too, and it is no try too many', async () => {
    isLost = (message) => message === 3
    service.faults.push(fault('throttled'), fault('throttled'))
    await upload('photo', await photo())
    await world.pass(20)
    expect([(await shown('aws'))?.state, service.faults.length]).toEqual(['waiting', 0])
    await world.pass(25)
    const record = await world.aws.records.get(analysisKey(tenant, 'photo', 'aws'))
    expect(record?.body).toMatchObject({ state: 'done', attempts: 3 })
  })

  test('a site that lost its notes finds what waits when the record comes back', async () => {
    service.faults.push(fault('throttled'))
    isLost = (message) => message === 2
    await upload('photo', await photo())
    const notes = world.aws.siteStore.all().filter(({ partition }) => partition.startsWith('open-analyses'))
    expect(notes.length).toBeGreaterThan(0)
    for (const { partition, id, token } of notes) await world.aws.siteStore.remove(partition, id, token)
    await world.pass(30)
    expect((await shown('aws'))?.state).toBe('waiting')
    const waiting = await world.aws.records.get(analysisKey(tenant, 'photo', 'aws'))
    if (waiting) await onRecordChanged(world.aws.services, waiting)
    await world.pass(30)
    expect((await shown('aws'))?.state).toBe('done')
  })

  test('where nobody ever looks it is not ordered for ever', async () => {
    isLost = () => true
    await upload('photo', await photo())
    for (let day = 0; day < 12; day++) {
      await world.clock.advance(24 * 3_600_000)
      await world.pass(1)
    }
    expect(sent).toBe(7)
    expect(world.aws.siteStore.all().filter(({ partition }) => partition.startsWith('open-analyses'))).toEqual([])
  })
})

test('a service that stays away is given up on, is filed, and looks when it is asked to again', async () => {
  service.faults.push(...Array.from({ length: 6 }, () => fault('unavailable')), fault('unavailable'))
  await upload('photo', await photo())
  await world.pass(90)
  expect(service.faults).toHaveLength(1)
  expect((await shown('aws'))?.state).toBe('failed')
  expect((await groupDeadLetters(world.aws.services)).groups).toMatchObject([{ kind: 'job', count: 1 }])
  await analyse(
    world.aws.services,
    world.aws.work,
    { tenant, asset: 'photo', reopen: false },
    new AbortController().signal,
  )
  expect(service.faults).toHaveLength(1)
  service.faults.length = 0
  const again = { kind: 'analyse', payload: { tenant, asset: 'photo', reopen: true } }
  await world.aws.services.jobs.send(again)
  await world.settle()
  expect((await shown('azure'))?.state).toBe('done')
})

test('the same message ten times looks once; a site without a service removes nothing and repeats nothing', async () => {
  await upload('photo', await photo())
  for (const site of [world.aws, world.azure]) {
    for (let times = 0; times < 5; times++) {
      await site.services.jobs.send({ kind: 'analyse', payload: { tenant, asset: 'photo' } })
    }
  }
  await world.settle()
  expect(service.seen).toHaveLength(1)
  // The other site processes the same version once more, as after a takeover.
  await writeRecord(world.azure.services, mediaKey(tenant, 'photo'), none, (body) => ({ ...body, site: 'azure' }))
  await world.settle()
  expect([(await shown('aws'))?.state, (await shown('azure'))?.site]).toEqual(['done', 'aws'])
})

test('a site with a service does not look at what the other has looked at', async () => {
  const theirs = memoryAnalysis({ features: ['labels'], findings })
  const both = await ingestWorld({ converter, analysis: { aws: service, azure: theirs } })
  await createAssetFromBytes(
    both.aws.services,
    tenant,
    { id: 'photo', name: 'p', mediaType: 'image/jpeg' },
    await photo(),
  )
  await both.settle()
  await both.azure.services.jobs.send({ kind: 'analyse', payload: { tenant, asset: 'photo' } })
  await both.settle()
  expect([service.seen.length, theirs.seen.length]).toEqual([1, 0])
  await both.close()
})

test('what was found in other bytes is not shown, nor is it of a deleted asset, nor of what is no picture', async () => {
  await upload('photo', await photo())
  await writeRecord(world.aws.services, mediaKey(tenant, 'photo'), none, (body) => ({ ...body, sha256: 'other' }))
  expect(await shown('aws')).toBeUndefined()
  await createAssetFromBytes(
    world.aws.services,
    tenant,
    { id: 'text', name: 't', mediaType: 'text/plain' },
    Buffer.from('no picture'),
  )
  await world.settle()
  expect([service.seen.length, await shown('aws', 'text')]).toEqual([1, undefined])
  await upload('gone', await photo())
  await deleteAsset(world.aws.services, tenant, 'gone', none)
  expect(await shown('aws', 'gone')).toBeUndefined()
})

test('the ETag covers what was found, the same at both sites, and an edit that saw it goes through', async () => {
  service.faults.push(fault('throttled'))
  await upload('photo', await photo())
  const before = await getAsset(world.aws.services, tenant, 'photo')
  await world.pass(5)
  const [aws, azure] = await Promise.all([
    getAsset(world.aws.services, tenant, 'photo'),
    getAsset(world.azure.services, tenant, 'photo'),
  ])
  expect(aws?.etag).not.toBe(before?.etag)
  expect(azure?.etag).toBe(aws?.etag)
  const edit = (etag = '') =>
    patchAsset(
      world.azure.services,
      tenant,
      'photo',
      { name: 'b.jpg' },
      { precondition: { kind: 'match', etags: [etag] } },
    )
  await expect(edit(before?.etag)).rejects.toMatchObject({ code: 'precondition-failed' })
  expect((await edit(aws?.etag)).analysis?.state).toBe('done')
})
