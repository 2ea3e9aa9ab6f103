import { expect, test } from '@jest/globals'
import { waitSecondsOf } from '../../shared/http/wait.ts'
import { records, testClouds } from './fixture.ts'

test.each([
  [undefined, undefined],
  ['durability=both', undefined],
  ['wait=3', 3],
  ['durability=both, wait=1', 1],
  ['Wait="2"; x=1', 2],
  ['wait=9999', 10],
  ['wait=soon', undefined],
  ['await=3', undefined],
  ['wait=-1', undefined],
  ['wait=1.5', undefined],
])('the wait in Prefer: %s', (prefer, seconds) => {
  expect(waitSecondsOf(prefer)).toBe(seconds)
})

test('a request that waits no longer than it says is answered while the peer hangs', async () => {
  const { aws, sites } = await testClouds()
  const path = `${records}/a`
  await aws.call('PUT', path, { json: { n: 0 }, headers: { 'if-none-match': '*' } })
  const { peer } = aws.services
  const never = <Answer>(): Promise<Answer> => new Promise(() => undefined)
  Object.assign(peer, { offer: never, read: never })
  const beganMs = sites.clock.now()
  const put = await aws.call('PUT', path, {
    json: { n: 1 },
    headers: { 'if-match': '*', prefer: 'durability=both, wait=2' },
  })
  expect([put.status, put.headers.get('preference-applied')]).toEqual([200, null])
  expect(sites.clock.now() - beganMs).toBe(1_800)
})
