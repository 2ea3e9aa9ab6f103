import { expect, test } from '@jest/globals'
import { wantObject } from '../../shared/core/missing-objects.ts'
import { copyWorld, partBytes, type CopyWorld } from './copy-world.ts'

/** Objects that the peer's store was asked about. */
function asked(world: CopyWorld): string[] {
  const keys: string[] = []
  const head = world.source.head.bind(world.source)
  Object.assign(world.source, {
    head: (key: string) => {
      keys.push(key)
      return head(key)
    },
  })
  return keys
}

const want = (world: CopyWorld, key: string, bytes?: number): Promise<boolean> =>
  wantObject(world.services, { tenant: 't', asset: 'a', key }, bytes)

const heldAt = (world: CopyWorld, key: string): Buffer | undefined => {
  const found = world.target.all().find(({ info }) => info.key === key)
  return found && Buffer.from(found.bytes)
}

test('a small object of known size is read without asking about it, and is here as it is there', async () => {
  const world = copyWorld()
  const keys = asked(world)
  for (const length of [1, partBytes - 1, partBytes]) {
    const { key, bytes } = await world.give(length)
    await want(world, key, length)
    await world.run(key)
    expect(heldAt(world, key)?.equals(bytes)).toBe(true)
    expect(keys).toEqual([])
    const { mediaType, metadata } = (await world.source.head(key)) ?? {}
    expect(await world.target.head(key)).toMatchObject({ mediaType, metadata, bytes: length })
    expect(await world.missing(key)).toBeUndefined()
    keys.length = 0
  }
})

test('of unknown size, empty or large, an object is asked about first', async () => {
  const world = copyWorld()
  const keys = asked(world)
  for (const [length, told] of [
    [5, undefined],
    [5, 0],
    [0, 0],
    [partBytes + 1, partBytes + 1],
  ] as const) {
    const { key, bytes } = await world.give(length)
    await want(world, key, told)
    await world.run(key)
    expect(keys).toEqual([key])
    expect(heldAt(world, key)?.equals(bytes)).toBe(true)
    keys.length = 0
  }
})

test('a record that tells a wrong size delays the object, and changes nothing about it', async () => {
  for (const told of [699, 701, partBytes]) {
    const world = copyWorld()
    const { key, bytes } = await world.give(700)
    await want(world, key, told)
    await world.run(key)
    await world.run(key)
    expect(heldAt(world, key)?.equals(bytes)).toBe(true)
    expect(await world.missing(key)).toBeUndefined()
  }
})

test('damage on the way is noticed by SHA-256 alone', async () => {
  const world = copyWorld()
  const { key, bytes } = await world.give(700)
  await want(world, key, 700)
  const { fetch } = world
  world.fetch = async (url, init) => {
    const answer = await fetch(url, init)
    const body = new Uint8Array(await answer.arrayBuffer())
    body[3] = (body[3] ?? 0) ^ 16
    return new Response(body, { status: answer.status, headers: { 'content-type': 'video/mp4' } })
  }
  await world.run(key)
  expect(heldAt(world, key)).toBeUndefined()
  expect(await world.missing(key)).toMatchObject({ attempts: 1, error: expect.stringContaining('differ') })
  world.fetch = fetch
  await world.run(key)
  expect(heldAt(world, key)?.equals(bytes)).toBe(true)
})

test('what the peer does not have counts as that, not as the peer being away', async () => {
  const world = copyWorld()
  const key = `objects/t/a/${'0'.repeat(64)}`
  await want(world, key, 10)
  await world.run(key)
  expect(await world.missing(key)).toMatchObject({ attempts: 1, error: expect.stringContaining('does not have') })
})
