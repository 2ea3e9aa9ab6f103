import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createAssetFromBytes } from '../../shared/core/assets.ts'
import { isTraceparent, spanIn, traced, tracesIn, within } from '../../shared/core/trace.ts'
import { mediaKey } from '../../shared/domain/asset.ts'
import { memoryRandom } from '../memory/clock.ts'
import { ingestWorld, tenant, type IngestSite, type IngestWorld } from './ingest-world.ts'

const photo = { name: 'boat.jpg', mediaType: 'image/jpeg' } as const
const caller = `00-${'4b'.repeat(16)}-${'f0'.repeat(8)}-01`

let world: IngestWorld
beforeEach(async () => {
  world = await ingestWorld()
})
afterEach(() => world.close())

const create = async (site: IngestSite, traceparent: string | undefined = caller): Promise<string> => {
  const services = within(site.services, spanIn(site.services.random, traceparent))
  return (await createAssetFromBytes(services, tenant, photo, Buffer.from('a picture'))).asset.id
}
const logsOf = (site: IngestSite, trace = '4b'.repeat(16)) =>
  site.telemetry.logs.filter(({ fields }) => fields?.['trace.id'] === trace)
const mediaOf = (site: IngestSite, id: string) => site.records.get(mediaKey(tenant, id))

test('one trace shows an upload at one site becoming ready, with its bytes, at the other', async () => {
  const id = await create(world.aws)
  await world.settle()
  const [here, there] = [world.aws, world.azure].map((site) => logsOf(site).map(({ message }) => message))
  expect(here).toEqual(expect.arrayContaining(['An asset changed', 'A run ended', 'The peer has answered an offer']))
  expect(there).toEqual(expect.arrayContaining(['An asset changed', 'An object is here']))
  expect((await mediaOf(world.azure, id))?.body).toMatchObject({ status: 'ready', trace: '4b'.repeat(16) })
  const job = world.azure.records.all().find(({ key }) => key.collection === '_jobs')
  expect(job?.body?.['trace']).toBe('4b'.repeat(16))
})

test('a run that is taken over without a message of its own goes on in the trace, and writes the same', async () => {
  const id = await create(world.aws)
  world.aws.queue.receive()?.acknowledge()
  await world.settle()
  world.aws.isUp = false
  await world.pass(5)
  expect((await mediaOf(world.azure, id))?.body?.['trace']).toBe('4b'.repeat(16))
  world.aws.isUp = true
  await world.pass(5)
  expect(await mediaOf(world.aws, id)).toMatchObject({ body: { trace: '4b'.repeat(16) } })
  const conflicts = world.aws.records.all().filter(({ key }) => key.collection === '_conflicts')
  expect(conflicts.filter(({ body }) => body?.['collection'] === '_media')).toEqual([])
})

test('what belongs to no trace says nothing of one', async () => {
  const { services } = world.aws
  const { asset } = await createAssetFromBytes(services, tenant, photo, Buffer.from('a picture'))
  await world.settle()
  expect((await mediaOf(world.aws, asset.id))?.body).not.toHaveProperty('trace')
  expect(world.aws.telemetry.logs.filter(({ fields }) => fields && 'trace.id' in fields)).toEqual([])
})

test('a span has an id of its own below the one that set it off', () => {
  const random = memoryRandom(1)
  const first = spanIn(random, undefined)
  expect([first.trace, first.span, first.parent]).toEqual([
    expect.stringMatching(/^[0-9a-f]{32}$/),
    expect.stringMatching(/^[0-9a-f]{16}$/),
    undefined,
  ])
  const second = spanIn(random, `00-${first.trace}-${first.span}-01`)
  expect([second.trace, second.parent]).toEqual([first.trace, first.span])
  expect(second.span).not.toBe(first.span)
})

test.each([
  '00-nonsense',
  `00-${'0'.repeat(32)}-${'f0'.repeat(8)}-01`,
  `00-${'4b'.repeat(16)}-${'0'.repeat(16)}-01`,
  `00-${'4B'.repeat(16)}-${'f0'.repeat(8)}-01`,
  `${caller}-x`,
  undefined,
  7,
])('%s is no place in a trace', (text) => {
  expect(isTraceparent(text)).toBe(false)
  expect(traced(world.aws.services, text)).toBe(world.aws.services)
})

test('states tell of their traces, each once, and garbage of none', () => {
  const state = (trace: unknown) => ({ body: { trace } }) as never
  expect(tracesIn([state('4b'.repeat(16)), state('4b'.repeat(16)), state('x'), state(7), state(undefined)])).toEqual([
    '4b'.repeat(16),
  ])
})
