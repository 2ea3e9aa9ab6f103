import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { guardedOutbound } from '../../shared/adapters/outbound.ts'
import { completeUpload, getAsset } from '../../shared/core/assets.ts'
import { createImport } from '../../shared/core/import-create.ts'
import { importBytesMax } from '../../shared/core/import-fetch.ts'
import { runJob } from '../../shared/core/jobs.ts'
import { abandonUpload, uploadPlan } from '../../shared/core/uploads.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { connectionAttempts, nameServer, nobodysAddress } from '../contract/name-server.ts'
import { faultsOf, ingestWorld, tenant, type IngestSite, type IngestWorld } from './ingest-world.ts'
import type { OutsideRequest } from './outside.ts'

const url = 'https://example.com/boat.jpg?secret=1'
const input = { id: 'boat', name: 'boat.jpg', mediaType: 'image/jpeg', url }
const etag = '"v1"'
const partBytes = 64 * 1024

/** A body that ends with a fault after some bytes, as when a connection breaks. */
const broken = (bytes: Uint8Array): ReadableStream<Uint8Array> => {
  let at = 0
  return new ReadableStream({
    pull: (controller) => {
      if (at >= bytes.byteLength) return controller.error(new TypeError('terminated'))
      controller.enqueue(bytes.subarray(at, at + 10_000))
      at += 10_000
    },
  })
}

describe('an import by URL', () => {
  let world: IngestWorld
  let aws: IngestSite
  beforeEach(async () => {
    world = await ingestWorld()
    ;({ aws } = world)
    Object.assign(aws.work, { copyPartBytes: partBytes })
  })
  afterEach(() => world.close())

  const begin = () => createImport(aws.services, tenant, input)
  const view = () => getAsset(aws.services, tenant, 'boat')
  const serve = (bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) => {
    world.outside.answer = ({ headers: asked = {} }: OutsideRequest) => {
      const from = Number(/^bytes=(\d+)-$/.exec(asked['range'] ?? '')?.[1] ?? 0)
      if (from === 0 || asked['if-range'] !== etag) {
        return new Response(bytes, { headers: { etag, 'content-length': String(bytes.length), ...headers } })
      }
      const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`
      return new Response(bytes.subarray(from), { status: 206, headers: { etag, 'content-range': range } })
    }
  }

  test('becomes ready at both sites, byte for byte, and its address is forgotten', async () => {
    const bytes = Buffer.from('a picture from elsewhere')
    serve(bytes)
    const { asset } = await begin()
    expect([asset.status, asset.source]).toEqual(['awaiting-upload', { kind: 'import' }])
    await world.settle()
    for (const site of [aws, world.azure]) {
      expect(await getAsset(site.services, tenant, 'boat')).toMatchObject({ status: 'ready', sha256: sha256Hex(bytes) })
      expect(JSON.stringify(site.records.all())).not.toContain('secret=1')
    }
    expect(faultsOf(world)).toEqual([])
    expect(world.outside.requests.map(({ method, headers }) => [method, headers?.['accept-encoding']])).toEqual([
      ['GET', 'identity'],
    ])
  })

  test('goes on where a broken connection left it, when the server still has the same file', async () => {
    const bytes = Buffer.alloc(3 * partBytes, 'catamaran ')
    serve(bytes)
    const whole = world.outside.answer
    world.outside.answer = (request) =>
      world.outside.requests.length > 1
        ? whole(request)
        : new Response(broken(bytes.subarray(0, 2.5 * partBytes)), { headers: { etag } })
    await begin()
    await world.pass(2)
    expect(world.outside.requests.map(({ headers }) => headers?.['range'])).toEqual([
      undefined,
      `bytes=${2 * partBytes}-`,
    ])
    expect(await view()).toMatchObject({ status: 'ready', sha256: sha256Hex(bytes), bytes: bytes.length })
    expect(faultsOf(world)).toEqual([])
  })

  test.each([
    ['has another file by now', { etag: '"v2"' }],
    ['tells no ETag to hold it to', { etag: 'W/"v1"' }],
  ])('begins anew when the server %s', async (_, headers) => {
    const [old, bytes] = [Buffer.alloc(3 * partBytes, 'old '), Buffer.alloc(1.5 * partBytes, 'new ')]
    world.outside.answer = () =>
      world.outside.requests.length > 1
        ? new Response(bytes, { headers: { ...headers } })
        : new Response(broken(old.subarray(0, 2.5 * partBytes)), {
            headers: headers.etag === '"v2"' ? { etag } : headers,
          })
    await begin()
    await world.pass(2)
    expect(await view()).toMatchObject({ status: 'ready', sha256: sha256Hex(bytes) })
    expect(faultsOf(world)).toEqual([])
  })

  test.each<[string, () => Response, string]>([
    ['404', () => new Response('no', { status: 404 }), 'import-refused'],
    ['an encoding', () => new Response('x', { headers: { 'content-encoding': 'br' } }), 'import-refused'],
    ['nothing', () => new Response(''), 'empty'],
    ['too much', () => new Response('x', { headers: { 'content-length': String(importBytesMax + 1) } }), 'too-large'],
  ])('fails with the reason when the server answers %s', async (_, answer, code) => {
    world.outside.answer = answer
    await begin()
    await world.settle()
    expect(await view()).toMatchObject({ status: 'failed', error: { code } })
    expect(await getAsset(world.azure.services, tenant, 'boat')).toMatchObject({ status: 'failed', error: { code } })
    await world.pass(5)
    expect(world.outside.requests).toHaveLength(1)
    expect(aws.objects.all()).toEqual([])
  })

  test('fails when the address turns out not to be public, and is not tried again', async () => {
    world.outside.answer = () => {
      throw new CatamaranError('forbidden', 'example.com leads to an address that is not public')
    }
    await begin()
    await world.pass(5)
    expect(await view()).toMatchObject({ status: 'failed', error: { code: 'address-not-allowed' } })
    expect(world.outside.requests).toHaveLength(1)
  })

  test('is not fetched from this machine when its name leads here a moment after it was looked at', async () => {
    await using names = await nameServer([[nobodysAddress], ['127.0.0.1']])
    using attempts = connectionAttempts()
    let arrivals = 0
    const server = createServer(() => arrivals++).listen(0, '127.0.0.1')
    await once(server, 'listening')
    Object.assign(aws.work, { outbound: guardedOutbound({ resolve: names.resolve }) })
    const { port } = server.address() as AddressInfo
    await createImport(aws.services, tenant, { ...input, url: `https://rebound.example.com:${port}/boat.jpg` })
    await world.pass(5)
    server.close()
    // It was public when it was looked at first, and was not there; nobody asked before it was connected to.
    expect([names.looks(), attempts.addresses, arrivals]).toEqual([2, [nobodysAddress], 0])
    expect(await view()).toMatchObject({ status: 'failed', error: { code: 'address-not-allowed' } })
  })

  test('is tried again while the server cannot, and given up after a day', async () => {
    world.outside.answer = () => new Response(null, { status: 503 })
    await begin()
    await world.pass(10)
    expect([world.outside.requests.length > 5, (await view())?.status]).toEqual([true, 'awaiting-upload'])
    await world.clock.advance(24 * 3_600_000)
    await world.pass(2)
    expect(await view()).toMatchObject({
      status: 'failed',
      error: { code: 'import-timed-out', detail: 'Given up: The server answered 503.' },
    })
    const tries = world.outside.requests.length
    await world.pass(5)
    expect(world.outside.requests).toHaveLength(tries)
  })

  test('is fetched once, though its message comes twice and is lost once', async () => {
    let answer = (_response: Response): void => undefined
    world.outside.answer = () => new Promise((resolve) => (answer = resolve))
    await begin()
    aws.queue.receive()?.acknowledge()
    const run = () =>
      runJob(
        aws.services,
        aws.work,
        { kind: 'import', payload: { tenant, asset: 'boat' } },
        new AbortController().signal,
      )
    const first = run()
    await run()
    while (world.outside.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    await run()
    answer(new Response('once'))
    await first
    await world.pass(3)
    expect([world.outside.requests.length, (await view())?.status]).toEqual([1, 'ready'])
  })

  test('a message that is lost is sent again by the sweep', async () => {
    serve(Buffer.from('late'))
    await begin()
    aws.queue.receive()?.acknowledge()
    await world.settle()
    expect(world.outside.requests).toEqual([])
    await world.pass(3)
    expect((await view())?.status).toBe('ready')
  })

  test('takes no upload, and ends when it is given up', async () => {
    world.outside.answer = () => new Response(null, { status: 503 })
    await begin()
    await world.settle()
    await expect(uploadPlan(aws.services, tenant, 'boat')).rejects.toMatchObject({ code: 'conflict' })
    await expect(completeUpload(aws.services, tenant, 'boat')).rejects.toMatchObject({ code: 'conflict' })
    await abandonUpload(aws.services, tenant, 'boat')
    const tries = world.outside.requests.length
    await world.pass(5)
    expect(world.outside.requests).toHaveLength(tries)
  })
})
