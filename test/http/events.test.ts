import { expect, test } from '@jest/globals'
import { writeMedia } from '../../shared/core/media-store.ts'
import type { MediaBody } from '../../shared/domain/asset.ts'
import { testClouds, type TestApi } from './fixture.ts'

const path = '/v1/assets/photo/events'

interface Told {
  readonly id: string
  readonly name: string
  readonly data: { readonly status?: string }
}

/** The events of a stream, comments aside. */
const eventsIn = (text: string): Told[] =>
  text.split('\n\n').flatMap((block) => {
    const lines = new Map(block.split('\n').map((line) => [line.split(': ', 1)[0], line.slice(line.indexOf(': ') + 2)]))
    const data = lines.get('data')
    if (data === undefined) return []
    return [{ id: lines.get('id') ?? '', name: lines.get('event') ?? '', data: JSON.parse(data) as Told['data'] }]
  })

const put = ({ services }: TestApi, status: MediaBody['status']) =>
  writeMedia(services, 'acme', 'photo', () => ({
    status,
    version: 'v1',
    job: 'none',
    site: 'aws',
    properties: {},
    renditions: [],
  }))

/** A site whose clock, whenever the watcher sleeps, lets the next thing happen. */
async function unfolding(steps: readonly ((api: TestApi) => Promise<unknown>)[], streamsAnswers: boolean) {
  const clouds = await testClouds({ streamsAnswers })
  const { aws } = clouds
  await aws.call('POST', '/v1/assets', { json: { id: 'photo', name: 'a.jpg', mediaType: 'image/jpeg' } })
  const left = [...steps]
  const { clock } = aws.services as { clock: { sleep: (ms: number, signal?: AbortSignal) => Promise<void> } }
  const sleep = clock.sleep.bind(clock)
  clock.sleep = async (ms, signal) => {
    await sleep(ms, signal)
    if (ms === 1_000) await left.shift()?.(aws)
  }
  return aws
}

const steps = [
  async () => undefined,
  (api: TestApi) => put(api, 'uploaded'),
  (api: TestApi) => put(api, 'processing'),
  (api: TestApi) => put(api, 'ready'),
]

test('an asset is followed to its end, with a heartbeat, and then there is nothing more to tell', async () => {
  const quiet = Array.from({ length: 16 }, () => async () => undefined)
  const aws = await unfolding([...quiet, ...steps], true)
  const answer = await aws.call('GET', path)
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  expect(answer.text).toMatch(/^retry: 1000\n\n/)
  expect(answer.text).toContain('\n\n:\n\n')
  const told = eventsIn(answer.text)
  expect(told.map(({ name, data }) => [name, data.status])).toEqual([
    ['status', 'awaiting-upload'],
    ['status', 'uploaded'],
    ['status', 'processing'],
    ['status', 'ready'],
  ])
  const headers = { 'last-event-id': told.at(-1)?.id ?? '' }
  expect((await aws.call('GET', path, { headers })).status).toBe(204)
  const back = await aws.call('GET', path, { headers: { 'last-event-id': told[1]?.id ?? '' } })
  expect(eventsIn(back.text).map(({ data }) => data.status)).toEqual(['ready'])
})

test('where answers are sent whole, each ends with its event, and the next goes on by Last-Event-ID', async () => {
  const aws = await unfolding(steps, false)
  const seen: string[] = []
  let headers: Record<string, string> = {}
  for (let turn = 0; turn < 10; turn++) {
    const answer = await aws.call('GET', path, { headers })
    if (answer.status === 204) break
    const [event, more] = eventsIn(answer.text)
    expect(more).toBeUndefined()
    if (!event) continue
    seen.push(event.data.status ?? '')
    headers = { 'last-event-id': event.id }
  }
  expect(seen).toEqual(['awaiting-upload', 'uploaded', 'processing', 'ready'])
})

test('a life is bounded, and an asset that goes is told of', async () => {
  const aws = await unfolding([], true)
  const before = aws.services.clock.monotonicMs()
  expect(eventsIn((await aws.call('GET', path)).text)).toHaveLength(1)
  expect(aws.services.clock.monotonicMs() - before).toBeLessThanOrEqual(55_000)
  const leaving = await unfolding(
    [(api) => api.call('DELETE', '/v1/assets/photo', { headers: { 'if-match': '*' } })],
    true,
  )
  const told = eventsIn((await leaving.call('GET', path)).text)
  expect(told.map(({ name }) => name)).toEqual(['status', 'deleted'])
  expect((await leaving.call('GET', path, { headers: { 'last-event-id': 'deleted' } })).status).toBe(204)
  expect((await leaving.call('GET', path)).status).toBe(404)
})

test('a reader that goes away ends the looking', async () => {
  const { aws, keys } = await testClouds({ streamsAnswers: true })
  await aws.call('POST', '/v1/assets', { json: { id: 'photo', name: 'a.jpg', mediaType: 'image/jpeg' } })
  const response = await aws.app.request(`http://api.test${path}`, {
    headers: { authorization: `Bearer ${keys.acme}` },
  })
  const reader = response.body?.getReader()
  await reader?.read()
  await reader?.read()
  await reader?.cancel()
  const after = aws.services.clock.monotonicMs()
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(aws.services.clock.monotonicMs()).toBe(after)
})
