import { expect, test } from '@jest/globals'
import { hashing } from '../../shared/domain/hashing.ts'
import { copyWorld, partBytes, type CopyWorld, type Fetch } from './copy-world.ts'

const parts = 12
const size = (parts - 1) * partBytes + 17
const { crc64Of } = await hashing

const oneGo = (): CopyWorld => copyWorld({ oneGoBytesMax: size })

/** Stops with nothing of the peer's left to read once `count` ranges were, and says which parts were stored. */
async function runUntil(world: CopyWorld, key: string, count: number): Promise<number[]> {
  const { fetch } = world
  let seen = 0
  world.fetch = (url, init) => (seen++ < count ? fetch(url, init) : Promise.reject(new TypeError('fetch failed')))
  const stored = await storedBy(world, key)
  world.fetch = fetch
  return stored
}

async function storedBy(world: CopyWorld, key: string): Promise<number[]> {
  const stored: number[] = []
  world.objects = {
    ...world.target,
    putPart: (upload, part, source, signal) => {
      stored.push(part)
      return world.target.putPart(upload, part, source, signal)
    },
  }
  await world.run(key)
  world.objects = world.target
  return stored
}

const heldAt = (world: CopyWorld, key: string): Buffer => {
  const found = world.target.all().find(({ info }) => info.key === key)
  return Buffer.from(found?.bytes ?? [])
}

test('a run that follows a stopped one reads all of the object, and stores only what was not stored', async () => {
  const world = oneGo()
  const { key, bytes } = await world.give(size)
  const first = await runUntil(world, key, 7)
  expect(await world.missing(key)).toMatchObject({ attempts: 0, copy: { parts: 0, partDigests: { length: 7 } } })
  world.asked.length = 0
  const second = await storedBy(world, key)
  expect(world.asked).toHaveLength(parts)
  expect([...first, ...second].toSorted((one, other) => one - other)).toEqual(
    Array.from({ length: parts }, (_, n) => n + 1),
  )
  expect(heldAt(world, key).equals(bytes)).toBe(true)
  expect(world.target.openUploads()).toEqual([])
})

test('from then on each run goes on where the one before stopped', async () => {
  const world = oneGo()
  const { key, bytes } = await world.give(size)
  await runUntil(world, key, 7)
  expect(await runUntil(world, key, 4)).toEqual([])
  expect(await world.missing(key)).toMatchObject({ attempts: 0, copy: { parts: 4, partDigests: { length: 7 } } })
  world.asked.length = 0
  expect(await runUntil(world, key, 5)).toEqual([8, 9])
  expect(world.asked[0]).toBe(`bytes=${4 * partBytes}-${5 * partBytes - 1}`)
  world.asked.length = 0
  expect(await storedBy(world, key)).toEqual([10, 11, 12])
  expect(world.asked).toHaveLength(3)
  expect(heldAt(world, key).equals(bytes)).toBe(true)
})

/** What can be added to any bytes without changing their CRC: the polynomial itself, lowest bit of each byte first. */
const unseenByCrc = ((): Buffer => {
  const bits = `1${0xad93d23594c93659n.toString(2)}`
  const pattern = Buffer.alloc(9)
  for (const [at, bit] of [...bits].entries())
    if (bit === '1') pattern[at >> 3] = (pattern[at >> 3] ?? 0) | (1 << (at & 7))
  return pattern
})()

const altered =
  (fetch: Fetch): Fetch =>
  async (url, init) => {
    const answer = await fetch(url, init)
    const bytes = new Uint8Array(await answer.arrayBuffer())
    const crc = crc64Of(bytes)
    for (const [at, bits] of unseenByCrc.entries()) bytes[at] = (bytes[at] ?? 0) ^ bits
    expect(crc64Of(bytes)).toBe(crc)
    return new Response(bytes, { status: answer.status, headers: answer.headers })
  }

test('parts that a peer changed without changing their CRC are not kept', async () => {
  const world = oneGo()
  const { key, bytes } = await world.give(size)
  const { fetch } = world
  world.fetch = altered(fetch)
  await runUntil(world, key, 3)
  world.fetch = fetch
  expect(await storedBy(world, key)).toHaveLength(parts)
  expect(heldAt(world, key).equals(bytes)).toBe(true)
})

test('a larger object is hashed so that its copy can be put down from the beginning', async () => {
  const world = copyWorld({ oneGoBytesMax: size - 1 })
  const { key } = await world.give(size)
  await runUntil(world, key, 7)
  expect((await world.missing(key))?.copy).toMatchObject({ by: 'bytes', parts: 7, sha256: expect.stringMatching(/./) })
})
