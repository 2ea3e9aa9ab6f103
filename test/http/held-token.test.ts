import { beforeEach, expect, test } from '@jest/globals'
import { heldToken } from '../../shared/http/held-token.ts'

let now = 0
let made = 0
let failing = false
const lifeMs = 1_000_000
const credentials = {
  token: async () => {
    made++
    if (failing) throw new Error('away')
    return { text: `token ${made}`, expiresAtMs: now + lifeMs }
  },
}
const settled = () => new Promise(setImmediate)

beforeEach(() => {
  now = 0
  made = 0
  failing = false
})

test('one token serves many calls, and many at once ask for one', async () => {
  const token = heldToken(credentials, () => now)
  expect(await Promise.all([token(), token(), token()])).toEqual(['token 1', 'token 1', 'token 1'])
  now = lifeMs * 0.74
  expect([await token(), made]).toEqual(['token 1', 1])
})

test('a new one is asked for in time, and nobody waits for it', async () => {
  const token = heldToken(credentials, () => now)
  await token()
  now = lifeMs * 0.76
  expect(await token()).toBe('token 1')
  await settled()
  expect([await token(), made]).toEqual(['token 2', 2])
})

test('the old one serves to its last minute when there is no new one, and then the failure shows', async () => {
  const token = heldToken(credentials, () => now)
  await token()
  failing = true
  for (now = lifeMs * 0.8; now < lifeMs - 61_000; now += 5_000) {
    expect(await token()).toBe('token 1')
    await settled()
  }
  expect(made).toBeLessThan(2 + (lifeMs * 0.2) / 10_000)
  now = lifeMs - 59_000
  await expect(token()).rejects.toThrow('away')
  failing = false
  expect(await token()).toMatch(/^token \d+$/)
})
