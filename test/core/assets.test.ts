import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import {
  completeUpload,
  createAsset,
  createAssetFromBytes,
  deleteAsset,
  getAsset,
  listAssets,
  patchAsset,
  restoreAsset,
} from '../../shared/core/assets.ts'
import { assetContent, openContent } from '../../shared/core/content.ts'
import { abandonUpload, uploadPlan } from '../../shared/core/uploads.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import type { Services } from '../../shared/core/services.ts'
import { faultsOf, ingestWorld, tenant, type IngestWorld } from './ingest-world.ts'

const none = { precondition: { kind: 'none' } } as const
const bytes = Buffer.from('a picture of a boat with two hulls')
const photo = { name: 'boat.jpg', mediaType: 'image/jpeg' } as const
const sourceChanged = { status: 'failed', error: { code: 'source-changed' } }

describe('assets', () => {
  let world: IngestWorld
  let services: Services
  beforeEach(async () => {
    world = await ingestWorld()
    services = world.aws.services
  })
  afterEach(() => world.close())

  const send = async (id: string, content: Uint8Array): Promise<void> => {
    const plan = await uploadPlan(services, tenant, id)
    if (plan.kind !== 'single') throw new Error(plan.kind)
    const answer = await world.aws.objects.fetch(plan.request.url, { method: 'PUT', body: content })
    expect(answer.status).toBe(200)
  }

  test('a single upload becomes ready at both sites, byte for byte', async () => {
    const { asset, upload, created } = await createAsset(services, tenant, { ...photo, upload: 'single' })
    expect([created, upload.kind, asset.status]).toEqual([true, 'single', 'awaiting-upload'])
    await send(asset.id, bytes)
    const uploaded = await completeUpload(services, tenant, asset.id)
    expect(uploaded.status).toBe('uploaded')
    await world.settle()
    for (const site of [world.aws, world.azure]) {
      const view = await getAsset(site.services, tenant, asset.id)
      expect(view).toMatchObject({
        status: 'ready',
        name: 'boat.jpg',
        kind: 'image',
        bytes: bytes.length,
        sha256: sha256Hex(bytes),
        properties: { width: 3 },
        bytesHere: true,
      })
      expect(view?.renditions.map(({ name }) => name)).toEqual(['large', 'small'])
      const content = await openContent(site.services, tenant, asset.id)
      if (content.kind !== 'here') throw new Error(content.kind)
      expect(Buffer.from(await new Response(content.body).arrayBuffer())).toEqual(bytes)
      const place = await assetContent(site.services, tenant, asset.id, { rendition: 'small' })
      expect(place.kind).toBe('redirect')
      expect(place.url).toContain(`edge-${site.services.site}.test/objects/t1/`)
    }
    const [one, other] = await Promise.all(
      [world.aws, world.azure].map((site) => getAsset(site.services, tenant, asset.id)),
    )
    expect(one?.etag).toBe(other?.etag)
    expect(faultsOf(world)).toEqual([])
  })

  test('a multipart upload, its parts sent out of order, tells what has arrived', async () => {
    const content = Buffer.alloc(20 * 2 ** 20 + 5, 'catamaran ')
    const input = { ...photo, bytes: content.length, sha256: sha256Hex(content), upload: 'multipart' } as const
    const { asset, upload } = await createAsset(services, tenant, input)
    if (upload.kind !== 'multipart') throw new Error(upload.kind)
    expect([upload.parts, upload.partBytes, upload.requests.length]).toEqual([3, 8 * 2 ** 20, 3])
    const sendPart = async (part: number): Promise<void> => {
      const plan = await uploadPlan(services, tenant, asset.id, { parts: [part] })
      if (plan.kind !== 'multipart') throw new Error(plan.kind)
      const [request] = plan.requests
      const body = content.subarray((part - 1) * plan.partBytes, part * plan.partBytes)
      await world.aws.objects.fetch(request?.request.url ?? '', { method: 'PUT', body })
    }
    await sendPart(3)
    await sendPart(1)
    await expect(completeUpload(services, tenant, asset.id)).rejects.toMatchObject({
      code: 'conflict',
      details: { current: { missing: [2] } },
    })
    await expect(uploadPlan(services, tenant, asset.id, { parts: [4] })).rejects.toMatchObject({
      code: 'invalid-request',
    })
    await sendPart(2)
    await completeUpload(services, tenant, asset.id)
    await completeUpload(services, tenant, asset.id)
    await world.settle()
    await completeUpload(services, tenant, asset.id)
    await world.settle()
    expect(await getAsset(world.azure.services, tenant, asset.id)).toMatchObject({
      status: 'ready',
      sha256: input.sha256,
      bytesHere: true,
    })
    expect(await uploadPlan(services, tenant, asset.id)).toEqual({ kind: 'done', site: 'aws' })
    expect(faultsOf(world)).toEqual([])
  })

  test('bytes in the request take the same way', async () => {
    const { asset, created } = await createAssetFromBytes(services, tenant, photo, bytes)
    expect([created, asset.status]).toEqual([true, 'uploaded'])
    await world.settle()
    expect(await getAsset(world.azure.services, tenant, asset.id)).toMatchObject({ status: 'ready', bytesHere: true })
    expect(faultsOf(world)).toEqual([])
  })

  test('a retry with the same key, here or at the other site, makes no second asset', async () => {
    const idempotency = { key: 'k1', print: 'p1' }
    const input = { ...photo, id: 'from-key-1' }
    const first = await createAssetFromBytes(services, tenant, input, bytes, idempotency)
    const again = await createAssetFromBytes(services, tenant, input, bytes, idempotency)
    expect([first.replayed, again.replayed, again.asset.id]).toEqual([false, true, first.asset.id])
    // The peer has not heard of the first one yet.
    await createAssetFromBytes(world.azure.services, tenant, input, bytes, idempotency)
    await world.settle()
    await world.pass(3)
    for (const site of [world.aws, world.azure]) {
      const page = await listAssets(site.services, tenant, {}, { limit: 10 })
      expect(page.items.map(({ id, status }) => [id, status])).toEqual([['from-key-1', 'ready']])
    }
    expect(faultsOf(world)).toEqual([])
    await expect(
      createAssetFromBytes(services, tenant, input, bytes, { key: 'k1', print: 'p2' }),
    ).rejects.toMatchObject({ code: 'idempotency-key-reused' })
    await expect(createAssetFromBytes(services, tenant, input, bytes)).rejects.toMatchObject({ code: 'already-exists' })
  })

  test.each([
    ['size-mismatch', { bytes: 100 }, '100 bytes were declared, 34 arrived.'],
    [
      'sha256-mismatch',
      { sha256: '0'.repeat(64) },
      `SHA-256 ${'0'.repeat(64)} was declared, ${sha256Hex(bytes)} arrived.`,
    ],
  ])('%s fails the asset with the reason and keeps the bytes apart', async (code, declared, detail) => {
    const { asset } = await createAsset(services, tenant, { ...photo, ...declared, upload: 'single' })
    await send(asset.id, bytes)
    await completeUpload(services, tenant, asset.id)
    await world.settle()
    for (const site of [world.aws, world.azure]) {
      const view = await getAsset(site.services, tenant, asset.id)
      expect(view).toMatchObject({ status: 'failed', error: { code, detail } })
    }
    expect(world.aws.objects.all().map(({ info }) => info.key.split('/')[0])).toEqual(['uploads'])
    expect((await completeUpload(services, tenant, asset.id)).status).toBe('failed')
  })

  test.each([
    ['the same once more, as their digest tells', { sha256: sha256Hex(bytes) }, bytes, { status: 'ready' }],
    ['others than their digest', { sha256: sha256Hex(bytes) }, Buffer.alloc(bytes.length), sourceChanged],
    ['the same, which nobody declared', {}, bytes, sourceChanged],
  ])('bytes that come after the upload was completed: %s', async (_what, declared, later, expected) => {
    // Blob Storage gives the same bytes another ETag each time.
    const { services: here, objects } = world.azure
    const { asset, upload } = await createAsset(here, tenant, { ...photo, ...declared, upload: 'single' })
    if (upload.kind !== 'single') throw new Error(upload.kind)
    const { url } = upload.request
    await objects.fetch(url, { method: 'PUT', body: bytes })
    await completeUpload(here, tenant, asset.id)
    await objects.fetch(url, { method: 'PUT', body: later })
    await world.settle()
    for (const site of [world.aws, world.azure]) {
      expect(await getAsset(site.services, tenant, asset.id)).toMatchObject(expected)
    }
  })

  test('damaged media fail with the reason of the converter, once', async () => {
    const { asset } = await createAssetFromBytes(services, tenant, photo, Buffer.from('BAD picture'))
    await world.settle()
    expect(await getAsset(services, tenant, asset.id)).toMatchObject({
      status: 'failed',
      error: { code: 'invalid-media', detail: 'The picture ends in the middle.' },
    })
    await expect(assetContent(services, tenant, asset.id)).rejects.toMatchObject({ code: 'conflict' })
    expect(world.aws.records.all().find(({ key }) => key.collection === '_jobs')?.body?.['attempts']).toBe(1)
  })

  test('an edit and a result written at once at the two sites do not conflict', async () => {
    const { asset } = await createAssetFromBytes(services, tenant, photo, bytes)
    await world.settle()
    world.azure.isUp = false
    await patchAsset(services, tenant, asset.id, { labels: { a: '1' } }, none)
    world.azure.isUp = true
    await world.settle()
    const view = await getAsset(world.azure.services, tenant, asset.id)
    expect(view).toMatchObject({ labels: { a: '1' }, status: 'ready' })
  })

  test('a patch needs the present ETag, changes name and labels only, and says what is wrong', async () => {
    const { asset } = await createAssetFromBytes(services, tenant, { ...photo, labels: { a: '1', b: '2' } }, bytes)
    await world.settle()
    const match = (etag: string) => ({ precondition: { kind: 'match', etags: [etag] } }) as const
    await expect(patchAsset(services, tenant, asset.id, { name: 'x' }, match(asset.etag))).rejects.toMatchObject({
      code: 'precondition-failed',
    })
    const now = await getAsset(services, tenant, asset.id)
    const patched = await patchAsset(
      services,
      tenant,
      asset.id,
      { name: 'cafe\u0301.jpg', labels: { a: null, c: '3' } },
      match(now?.etag ?? ''),
    )
    expect(patched).toMatchObject({ name: 'caf\u00e9.jpg', labels: { b: '2', c: '3' } })
    for (const patch of [{ name: null }, { name: 'a\u0000b' }, { bytes: 3 }, { labels: { x: 1 } }, { labels: [] }]) {
      await expect(patchAsset(services, tenant, asset.id, patch, none)).rejects.toMatchObject({ status: 400 })
    }
  })

  test('delete hides at both sites, restore brings back with bytes', async () => {
    const { asset } = await createAssetFromBytes(services, tenant, photo, bytes)
    await world.settle()
    await deleteAsset(world.azure.services, tenant, asset.id, none)
    await world.settle()
    expect(await getAsset(services, tenant, asset.id)).toBeUndefined()
    await expect(assetContent(services, tenant, asset.id)).rejects.toMatchObject({ code: 'not-found' })
    const trash = await listAssets(services, tenant, { deleted: true }, { limit: 10 })
    expect(trash.items).toMatchObject([{ id: asset.id, name: 'boat.jpg', deleted: true }])
    await restoreAsset(services, tenant, asset.id, none)
    await world.settle()
    expect(await getAsset(world.azure.services, tenant, asset.id)).toMatchObject({ status: 'ready', bytesHere: true })
    await expect(deleteAsset(services, tenant, 'nobody', none)).rejects.toMatchObject({ code: 'not-found' })
    await expect(restoreAsset(services, tenant, 'nobody', none)).rejects.toMatchObject({ code: 'not-found' })
  })

  test('lists page through and filter', async () => {
    for (let n = 0; n < 7; n++) {
      const input = { ...photo, id: `asset-${n}`, name: n % 2 ? `odd-${n}` : `even-${n}` }
      await createAssetFromBytes(services, tenant, input, n === 3 ? Buffer.from('BAD') : Buffer.from(`picture ${n}`))
    }
    await createAsset(services, tenant, { ...photo, id: 'asset-7', upload: 'single' })
    await world.settle()
    const ids: string[] = []
    let after: string | undefined
    do {
      const page = await listAssets(services, tenant, {}, { after, limit: 3 })
      expect(page.items.length).toBeLessThanOrEqual(3)
      ids.push(...page.items.map(({ id }) => id))
      after = page.next
    } while (after)
    expect(ids).toEqual(Array.from({ length: 8 }, (_, n) => `asset-${n}`))
    const namesOf = async (filter: Parameters<typeof listAssets>[2]): Promise<string[]> =>
      (await listAssets(services, tenant, filter, { limit: 2 })).items.map(({ id }) => id)
    expect(await namesOf({ status: 'failed' })).toEqual(['asset-3'])
    expect(await namesOf({ status: 'awaiting-upload' })).toEqual(['asset-7'])
    expect(await namesOf({ namePrefix: 'odd' })).toEqual(['asset-1', 'asset-3'])
    expect(await namesOf({ mediaType: 'image/*', status: 'ready', namePrefix: 'even-4' })).toEqual(['asset-4'])
    expect(await namesOf({ kind: 'video' })).toEqual([])
    expect((await listAssets(world.azure.services, 't2', {}, { limit: 10 })).items).toEqual([])
  })

  test('an upload goes on where it began; the other site says where', async () => {
    const { asset } = await createAsset(services, tenant, { ...photo, upload: 'single' })
    await world.settle()
    await expect(uploadPlan(world.azure.services, tenant, asset.id)).rejects.toMatchObject({
      code: 'conflict',
      details: { current: { site: 'aws' } },
    })
    await expect(completeUpload(services, tenant, asset.id)).rejects.toMatchObject({ code: 'conflict' })
    await abandonUpload(services, tenant, asset.id)
    await expect(uploadPlan(services, tenant, asset.id)).rejects.toMatchObject({ code: 'gone' })
    await expect(uploadPlan(services, 't2', asset.id)).rejects.toMatchObject({ code: 'not-found' })
  })

  test('an upload that nobody finishes is closed after a week and leaves nothing', async () => {
    const input = { ...photo, bytes: 30 * 2 ** 20, upload: 'multipart' } as const
    const { asset } = await createAsset(services, tenant, input)
    await world.settle()
    await world.clock.advance(7 * 24 * 3_600_000)
    await world.pass(2)
    await world.clock.advance(4_000_000)
    await world.pass(2)
    await expect(uploadPlan(services, tenant, asset.id)).rejects.toMatchObject({ code: 'gone' })
    expect(world.aws.siteStore.all().filter(({ partition }) => partition.startsWith('open-uploads'))).toEqual([])
  })

  test('until the bytes are here, content comes from the peer; without the peer it says when to ask again', async () => {
    const { asset } = await createAssetFromBytes(services, tenant, photo, bytes)
    await world.settle()
    for (const { info } of world.azure.objects.all()) await world.azure.objects.remove(info.key)
    const place = await assetContent(world.azure.services, tenant, asset.id)
    expect([place.kind, new URL(place.url).hostname]).toEqual(['at-peer', 'aws.test'])
    world.aws.isUp = false
    await expect(assetContent(world.azure.services, tenant, asset.id)).rejects.toMatchObject({ status: 503 })
  })
})
