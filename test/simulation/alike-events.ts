import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3'
import type { QueueClient } from '@azure/storage-queue'
import fc from 'fast-check'
import { dropsOf as awsDropsOf } from '../../aws/adapters/drop-event.ts'
import { dropsOf as azureDropsOf } from '../../azure/adapters/drop-event.ts'
import { s3ClientSettings } from '../../aws/adapters/object-bucket.ts'
import { s3ObjectStore } from '../../aws/adapters/object-store.ts'
import type { DropEvent } from '../../shared/core/drops.ts'
import { hashing } from '../../shared/domain/hashing.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import { s3Fixture } from '../local/aws/s3-fixture.ts'
import { memoryClock, memoryRandom } from '../memory/clock.ts'
import { memoryObjectStore } from '../memory/object-store.ts'
import { answerOf } from './alike.ts'
import { makeObjectEvents } from './object-events.ts'
import { makeWorld } from './run.ts'

const { crc64Of } = await hashing

export type EventCommand = {
  readonly kind: 'put' | 'garbled' | 'signed' | 'copy' | 'remove' | 'upload'
  readonly area: 'drop' | 'uploads' | 'objects'
  readonly id: number
  readonly other: number
  readonly ifAbsent: boolean
  readonly bytes: number
  /** Of an upload in parts: it is completed, twice even, without a part that it had, or given up. */
  readonly end: 'complete' | 'twice' | 'gap' | 'abort'
}

const id = fc.nat({ max: 2 })

export const eventCommands = fc.record<EventCommand>({
  kind: fc.constantFrom('put', 'put', 'garbled', 'signed', 'copy', 'remove', 'remove', 'upload', 'upload'),
  area: fc.constantFrom('drop', 'drop', 'drop', 'uploads', 'objects'),
  id,
  other: id,
  ifAbsent: fc.boolean(),
  bytes: fc.integer({ min: 8, max: 12 }),
  end: fc.constantFrom('complete', 'twice', 'gap', 'abort'),
})

/** A store, and what has been told of its drop area so far. */
export interface EventSource {
  readonly store: ObjectStore
  readonly send: (url: string, init: RequestInit) => Promise<Response>
  /** All that came of a tenant: `count` are waited for. Without it, a moment for those that are not expected. */
  told(tenant: string, count?: number): Promise<readonly DropEvent[]>
  close(): Promise<void>
}

/** How many bytes the object has is told of those that came to be; what is said of one that is gone is each cloud's own. */
const shown = ({ key, change, bytes }: DropEvent, tenant: string): string =>
  [change, key.replace(tenant, ''), change === 'created' ? bytes : ''].join(' ')

async function upload(store: ObjectStore, key: string, { bytes, end, ifAbsent }: EventCommand): Promise<unknown> {
  const begun = await store.startMultipart(key, { mediaType: 'text/plain' })
  const sent = [1, 2].map(async (part) => {
    const body = Buffer.alloc(bytes, 64 + part)
    return store.putPart(begun, part, { kind: 'bytes', bytes: body, crc64nvme: crc64Of(body) })
  })
  const parts = await Promise.all(sent)
  if (end === 'abort') return store.abortMultipart(begun)
  const completing = () => store.completeMultipart(begun, end === 'gap' ? parts.slice(1) : parts, { ifAbsent })
  try {
    const done = await completing()
    if (end === 'twice') await completing()
    return done.bytes
  } finally {
    if (end === 'gap') await store.abortMultipart(begun)
  }
}

async function play({ store, send }: EventSource, tenant: string, command: EventCommand, n: number): Promise<unknown> {
  const { kind, area, ifAbsent, bytes } = command
  const keyOf = (each: number): string => `${area}/${tenant}/a ü+${each}`
  const key = keyOf(command.id)
  const about = { mediaType: 'text/plain', metadata: {} }
  const body = Buffer.alloc(bytes, 65 + (n % 2))
  switch (kind) {
    case 'put':
      return store.put(key, body, { ...about, ifAbsent })
    case 'garbled':
      return store.put(key, body, { ...about, crc64nvme: crc64Of(Buffer.from('others')) })
    case 'copy':
      return store.copy(key, keyOf(command.other), about)
    case 'remove':
      return store.remove(key)
    case 'upload':
      return upload(store, key, command)
    case 'signed': {
      const { url, method, headers } = await store.presign(key, { method: 'PUT', expiresAtMs: Date.now() + 600_000 })
      return (await send(url, { method, headers: { ...headers }, body })).ok
    }
  }
}

/** After each command its answer, and what has been told in all; in the end all once more. In what order is not promised. */
export async function playEvents(
  source: EventSource,
  tenant: string,
  commands: readonly EventCommand[],
  expected: readonly Told[] = [],
): Promise<Told[]> {
  const found: Told[] = []
  const own = async (count?: number): Promise<string[]> =>
    (await source.told(tenant, count)).map((event) => shown(event, tenant)).sort()
  for (const [n, command] of commands.entries()) {
    const answer = await answerOf(() => play(source, tenant, command, n))
    found.push({ answer, told: await own(expected[n]?.told.length ?? 0) })
  }
  return [...found, { answer: 'the end', told: await own() }]
}

interface Told {
  readonly answer: unknown
  readonly told: readonly string[]
}

type Tell = (event: DropEvent) => void

/** The fake behind the simulator's stores, when nothing goes wrong but what `wrongly` makes of it. */
export function fakeEvents(site: Site, wrongly: (tell: Tell) => Tell = (tell) => tell): EventSource {
  const { world } = makeWorld(1, new Map(), { override: { isCalm: true, loseFeedEvents: 0, shardSplits: 0 } })
  const events: DropEvent[] = []
  const fake = makeObjectEvents(world, site, async (_services, event) => void events.push(event))
  const changed = wrongly((event) => fake.changed(event))
  const store = memoryObjectStore({
    clock: memoryClock(Date.now()),
    random: memoryRandom(),
    uploads: site === 'azure' ? 'blocks' : 's3',
    onChange: ({ kind, key, bytes }) => changed({ key, change: kind, bytes }),
  })
  return {
    store,
    send: (url, init) => store.fetch(url, init as Parameters<typeof store.fetch>[1]),
    told: async (tenant) => {
      await world.scheduler.runUntil(world.scheduler.now() + 10_000)
      return ofTenant(events, tenant)
    },
    close: async () => {},
  }
}

const ofTenant = (events: readonly DropEvent[], tenant: string): DropEvent[] =>
  events.filter(({ key }) => key.includes(tenant))

const toldMsMax = 5_000
const quietMs = 50

/** Looks again and again for what is to come. */
const toldBy =
  (events: readonly DropEvent[], look: () => Promise<void>): EventSource['told'] =>
  async (tenant, count) => {
    const own = () => ofTenant(events, tenant)
    for (const endMs = Date.now() + toldMsMax; own().length < (count ?? 0) && Date.now() < endMs; ) await look()
    if (count === undefined) await sleep(quietMs)
    if (count === undefined) await look()
    return own()
  }

/**
 * Our own small S3 server and its notifications, with the bucket as it is deployed. That the simulator's events are like
 * these shows that both follow one understanding of what AWS writes of S3; nobody has held them beside S3 itself.
 */
export async function s3Events(): Promise<EventSource> {
  const server = await s3Fixture({ partBytesMin: 8 })
  const client = server.connect(s3ClientSettings)
  for (const Bucket of ['uploads', 'objects']) {
    await client.send(new CreateBucketCommand({ Bucket }))
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  }
  const Filter = { Key: { FilterRules: [{ Name: 'prefix' as const, Value: 'drop/' }] } }
  const QueueArn = 'arn:aws:sqs:us-east-1:000000000000:drops'
  const QueueConfigurations = (['s3:ObjectCreated:*', 's3:ObjectRemoved:*'] as const).map((name) => ({
    QueueArn,
    Filter,
    Events: [name],
  }))
  const NotificationConfiguration = { QueueConfigurations }
  await client.send(new PutBucketNotificationConfigurationCommand({ Bucket: 'uploads', NotificationConfiguration }))
  const events: DropEvent[] = []
  const look = async (): Promise<void> => {
    for (const { body } of server.events.splice(0)) events.push(...awsDropsOf(JSON.parse(body)))
    await sleep(1)
  }
  return {
    store: s3ObjectStore({ client, uploadsBucket: 'uploads', objectsBucket: 'objects' }),
    send: fetch,
    told: toldBy(events, look),
    close: async () => {
      client.destroy()
      await server.close()
    },
  }
}

/**
 * Azurite behind our own Event Grid. That the blobs change as they do is Azurite's word; which requests raise an event, and
 * which, is our own reading of what Microsoft writes, and the simulator's events are like it: Azurite has no events of its own.
 */
export function blobEvents({
  store,
  queue,
}: {
  readonly store: ObjectStore
  readonly queue: QueueClient
}): EventSource {
  const events: DropEvent[] = []
  const look = async (): Promise<void> => {
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32 })
    for (const { messageId, popReceipt, messageText } of receivedMessageItems) {
      events.push(...azureDropsOf(JSON.parse(Buffer.from(messageText, 'base64').toString())))
      await queue.deleteMessage(messageId, popReceipt)
    }
  }
  return { store, send: fetch, told: toldBy(events, look), close: async () => {} }
}
