import { expect, test } from '@jest/globals'
import { listDeadLetters } from '../../shared/core/dead-letters.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { copyWorld, partBytes, type CopyWorld, type Fetch } from './copy-world.ts'

const parts = 12
const size = (parts - 1) * partBytes + 17

const heldAt = (world: CopyWorld, key: string): Buffer | undefined => {
  const found = world.target.all().find(({ info }) => info.key === key)
  return found && Buffer.from(found.bytes)
}

/** Another run may have it only when the lease of the one before has passed. */
const passLease = (world: CopyWorld): Promise<void> => world.clock.advance(61_000)

/** Answers the first `count` ranges as they are and the rest as told. */
function after(world: CopyWorld, count: number, then: Fetch): Fetch {
  const { fetch } = world
  let seen = 0
  return (url, init) => (seen++ < count ? fetch(url, init) : then(url, init))
}

const flipped =
  (world: CopyWorld): Fetch =>
  async (url, init) => {
    const { status, headers } = await world.source.fetch(url, { headers: init.headers })
    const answer = await world.source.fetch(url, { headers: init.headers })
    const bytes = new Uint8Array(await answer.arrayBuffer())
    bytes[0] = (bytes[0] ?? 0) ^ 1
    return new Response(bytes, { status, headers })
  }

async function assertCopied(world: CopyWorld, key: string, bytes: Buffer): Promise<void> {
  expect(heldAt(world, key)?.equals(bytes)).toBe(true)
  expect(await world.target.head(key)).toMatchObject({ mediaType: 'video/mp4', metadata: expect.anything() })
  expect(world.target.openUploads()).toEqual([])
  expect(await world.missing(key)).toBeUndefined()
}

test('an object is read once, range by range, and appears when all of it is right', async () => {
  const world = copyWorld()
  for (const length of [0, 1, partBytes, partBytes + 1, 3 * partBytes, size]) {
    world.asked.length = 0
    const { key, bytes } = await world.give(length)
    await world.run(key)
    await assertCopied(world, key, bytes)
    expect(new Set(world.asked).size).toBe(world.asked.length)
    expect(world.asked).toHaveLength(Math.ceil(length / partBytes))
  }
})

test('a killed run is followed by one that reads only what was not stored', async () => {
  const world = copyWorld()
  const { key, bytes } = await world.give(size)
  let stored = 0
  world.objects = {
    ...world.target,
    putPart: (upload, part, source, signal) =>
      ++stored > 7 ? new Promise(() => {}) : world.target.putPart(upload, part, source, signal),
  }
  world.isDoomed = true
  void world.run(key)
  await new Promise((resolve) => setTimeout(resolve, 50))
  world.isDoomed = false
  world.objects = world.target
  world.asked.length = 0
  await world.run(key)
  expect(world.asked).toEqual([])
  await passLease(world)
  await world.run(key)
  await assertCopied(world, key, bytes)
  expect(world.asked).toHaveLength(parts - 7)
})

test('a run whose time is over hands the rest to the next', async () => {
  const world = copyWorld()
  const { key, bytes } = await world.give(size)
  const ending = new AbortController()
  let stored = 0
  world.objects = {
    ...world.target,
    putPart: async (upload, part, source, signal) => {
      if (++stored === 5) ending.abort(new Error('time is over'))
      return world.target.putPart(upload, part, source, signal)
    },
  }
  await world.run(key, ending.signal)
  const { copy, attempts, leaseUntilMs } = (await world.missing(key)) ?? {}
  expect([attempts, leaseUntilMs]).toEqual([0, 0])
  expect(copy).toMatchObject({ by: 'bytes', parts: 4 })
  expect(world.queue.receive()?.message).toMatchObject({ kind: 'copy-object', payload: { key } })
  world.asked.length = 0
  await world.run(key)
  await assertCopied(world, key, bytes)
  expect(world.asked).toHaveLength(parts - 4)
})

test('a peer that is lost on the way costs no attempt and nothing of what is stored', async () => {
  const world = copyWorld()
  const { key, bytes } = await world.give(size)
  const { fetch } = world
  world.fetch = after(world, 6, () => Promise.reject(new TypeError('fetch failed')))
  await world.run(key)
  expect(await world.missing(key)).toMatchObject({ attempts: 0, copy: { parts: expect.any(Number) } })
  expect(world.queue.receive()).toBeUndefined()
  world.fetch = fetch
  world.asked.length = 0
  await world.run(key)
  await assertCopied(world, key, bytes)
  expect(world.asked.length).toBeLessThanOrEqual(parts - 1)
})

test('a damaged transfer is noticed, let go and made again', async () => {
  for (const length of [700, size]) {
    const world = copyWorld()
    const { key, bytes } = await world.give(length)
    const { fetch } = world
    world.fetch = after(world, Math.ceil(length / partBytes) - 1, flipped(world))
    await world.run(key)
    expect(heldAt(world, key)).toBeUndefined()
    expect(world.target.openUploads()).toEqual([])
    expect(await world.missing(key)).toMatchObject({ attempts: 1, error: expect.stringContaining('differ') })
    world.fetch = fetch
    await world.run(key)
    await assertCopied(world, key, bytes)
  }
})

test('a poisoned object goes to the dead letters, leaves nothing behind, and holds nothing up', async () => {
  const world = copyWorld()
  const [bad, good] = [await world.give(size), await world.give(size)]
  const { fetch } = world
  world.fetch = (url, init) => (url.includes('asset-0') ? flipped(world)(url, init) : fetch(url, init))
  for (let attempt = 0; attempt < 5; attempt++) await world.run(bad.key)
  await world.run(good.key)
  await assertCopied(world, good.key, good.bytes)
  expect(heldAt(world, bad.key)).toBeUndefined()
  const { items } = await listDeadLetters(world.services, { limit: 10 })
  expect(items.map(({ payload }) => payload)).toEqual([
    { kind: 'copy-object', payload: { tenant: 't', asset: 'a', key: bad.key } },
  ])
  expect((await world.missing(bad.key))?.dueMs).toBeGreaterThan(world.clock.now() + 3_600_000)
  world.fetch = fetch
  await world.run(bad.key)
  await assertCopied(world, bad.key, bad.bytes)
})

test('parts that the store has forgotten, or a state of another build, mean beginning anew', async () => {
  for (const spoil of ['parts', 'state'] as const) {
    const world = copyWorld()
    const { key, bytes } = await world.give(size)
    const { fetch } = world
    world.fetch = after(world, 6, () => Promise.reject(new TypeError('fetch failed')))
    await world.run(key)
    world.fetch = fetch
    const missing = await world.missing(key)
    if (missing?.copy?.by !== 'bytes') throw new Error('nothing was kept')
    if (spoil === 'parts') await world.target.abortMultipart({ key, uploadId: missing.copy.uploadId })
    else {
      const value = { ...missing, copy: { ...missing.copy, sha256: 'AAAAAAAA' } }
      const { siteStore } = world.services
      const partition = 'missing/0 missing/1 missing/2 missing/3'.split(' ')
      for (const one of partition)
        if (await siteStore.get(one, key)) await siteStore.put({ partition: one, id: key, value }, { kind: 'any' })
    }
    world.asked.length = 0
    await world.run(key)
    await assertCopied(world, key, bytes)
    expect(world.asked).toHaveLength(parts)
  }
})

test('a run that was taken over stops, and spoils nothing', async () => {
  const world = copyWorld()
  const { key, bytes } = await world.give(size)
  const gate = Promise.withResolvers<void>()
  let stored = 0
  world.objects = {
    ...world.target,
    putPart: async (upload, part, source, signal) => {
      if (++stored > 3) await gate.promise
      return world.target.putPart(upload, part, source, signal)
    },
  }
  const frozen = world.run(key)
  await new Promise((resolve) => setTimeout(resolve, 50))
  world.objects = world.target
  for (const shard of [0, 1, 2, 3]) {
    const item = await world.services.siteStore.get(`missing/${shard}`, key)
    const value = { ...item?.value, leaseUntilMs: 0 }
    if (item) await world.services.siteStore.put({ ...item, value }, { kind: 'any' })
  }
  await world.run(key)
  await assertCopied(world, key, bytes)
  gate.resolve()
  await frozen
  await assertCopied(world, key, bytes)
  expect((await listDeadLetters(world.services, { limit: 10 })).items).toEqual([])
})

test('where the store copies by itself no byte passes through, and it goes on where it stopped', async () => {
  const world = copyWorld({ byStore: true })
  const { key, bytes } = await world.give(40 * partBytes + 3)
  const { storeFetch } = world
  let seen = 0
  world.storeFetch = (url, init) => (++seen > 3 ? Promise.reject(new TypeError('away')) : storeFetch(url, init))
  await world.run(key)
  expect(await world.missing(key)).toMatchObject({ copy: { by: 'store', stored: [{}, {}, {}] } })
  world.storeFetch = storeFetch
  world.askedByStore.length = 0
  await world.run(key)
  await assertCopied(world, key, bytes)
  expect(world.askedByStore).toHaveLength(3)
  expect(world.asked).toEqual([])
})

test('what the store copied wrongly does not appear; a store that cannot read the URL is helped', async () => {
  const world = copyWorld({ byStore: true })
  const { key, bytes } = await world.give(size)
  world.storeFetch = (url, { headers }) =>
    flipped(world)(url, { headers: { ...headers }, signal: new AbortController().signal })
  await world.run(key)
  expect(heldAt(world, key)).toBeUndefined()
  expect(await world.missing(key)).toMatchObject({ attempts: 1 })
  world.storeFetch = () => Promise.reject(new CatamaranError('unavailable', 'no way'))
  await world.run(key)
  expect(await world.missing(key)).toMatchObject({ attempts: 2 })
  await world.run(key)
  await assertCopied(world, key, bytes)
  expect(world.asked).toHaveLength(parts)
})

test('what came although its run did not hear so is here, though the peer has lost it since', async () => {
  const world = copyWorld()
  const { key, bytes } = await world.give(size)
  world.objects = {
    ...world.target,
    completeMultipart: async (...joining) => {
      await world.target.completeMultipart(...joining)
      throw new CatamaranError('unavailable', 'the answer was lost')
    },
  }
  await world.run(key)
  expect(await world.missing(key)).toBeDefined()
  world.objects = world.target
  world.source.load([])
  await world.run(key)
  await assertCopied(world, key, bytes)
  expect((await listDeadLetters(world.services, { limit: 10 })).items).toEqual([])
})
