import { runJob } from '../../shared/core/jobs.ts'
import type { Operation, OperationKind, OperationOptions } from '../../shared/core/operation.ts'
import { readOperation, resumeOperation, startOperation } from '../../shared/core/operation-store.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import { digester } from '../../shared/core/work-file.ts'
import { mediaKey, objectKeyOf, type MediaBody } from '../../shared/domain/asset.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import type { RecordKey } from '../../shared/domain/record.ts'
import { ingestWorld, type IngestSite, type IngestWorld } from './ingest-world.ts'

export { ingestWorld, type IngestSite, type IngestWorld }

export const noteKey = (n: number): RecordKey => ({ tenant: 't1', collection: 'notes', id: `n${n}` })

const none = { precondition: { kind: 'none' } } as const

export const writeNote = (services: Services, n: number, text = 'first') =>
  writeRecord(services, noteKey(n), none, () => ({ n, text }))

export async function writeNotes(services: Services, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await writeNote(services, n)
}

export async function crcOf(bytes: Uint8Array): Promise<string> {
  const digests = await digester()
  digests.update(bytes)
  return digests.result().crc64nvme
}

/** An asset of one object, as a job would have left it at its site. */
export async function writeAsset(
  { services }: Pick<IngestSite, 'services'>,
  asset: string,
  text = asset,
): Promise<string> {
  const bytes = Buffer.from(text)
  const sha256 = sha256Hex(bytes)
  const crc64nvme = await crcOf(bytes)
  const objectKey = objectKeyOf('t1', asset, sha256)
  await services.objects.put(objectKey, bytes, { mediaType: 'image/png', metadata: { sha256, crc64nvme } })
  const media: MediaBody = {
    status: 'ready',
    version: 'v1',
    job: 'j1',
    site: services.site,
    objectKey,
    bytes: bytes.length,
    sha256,
    crc64nvme,
    properties: {},
    renditions: [],
  }
  await writeRecord(services, mediaKey('t1', asset), none, () => media)
  return objectKey
}

/** Everything at a site is gone, as a new account would be. */
export function wipe({ records, objects, siteStore, feed }: IngestSite): void {
  records.load([])
  objects.load([])
  siteStore.load([])
  feed.length = 0
}

/** Runs an operation's messages, and all else that moves, until it has ended. */
export async function untilEnded(
  world: IngestWorld,
  site: IngestSite,
  id: string,
  minutesMax = 120,
): Promise<Operation> {
  for (let minute = 0; minute < minutesMax; minute++) {
    await world.settle()
    const operation = await readOperation(site.services, id)
    if (operation.state !== 'running') return operation
    await world.clock.advance(10_000)
    await resumeOperation(site.services)
  }
  throw new Error(`It still runs: ${JSON.stringify(await readOperation(site.services, id))}`)
}

export async function operate(
  world: IngestWorld,
  site: IngestSite,
  kind: OperationKind,
  options: Partial<OperationOptions> = {},
): Promise<Operation> {
  const { id } = await startOperation(site.services, { kind, dryRun: false, deep: false, ...options })
  return untilEnded(world, site, id)
}

/** One message of the queue, by hand. */
export async function runNext(site: IngestSite, services = site.services): Promise<boolean> {
  const delivery = site.queue.receive()
  if (!delivery) return false
  try {
    await runJob(services, site.work, delivery.message, new AbortController().signal)
    delivery.acknowledge()
  } catch (error) {
    delivery.fail(30_000)
    throw error
  }
  return true
}

/** Both sites' records, by key, as far as they must be equal. */
export const statesOf = ({ records }: IngestSite): Map<string, string> =>
  new Map(
    records
      .all()
      .map(({ key, vector, body, deleted }) => [
        `${key.tenant}/${key.collection}/${key.id}`,
        JSON.stringify({ vector, body, deleted }),
      ]),
  )

export const objectsOf = ({ objects }: IngestSite): Map<string, string> =>
  new Map(
    objects
      .all()
      .filter(({ info }) => info.key.startsWith('objects/'))
      .map(({ info, bytes }) => [info.key, sha256Hex(bytes)]),
  )

/** Has something happen just before each call of one of a port's functions. */
export function beforeEachCall<Port extends object>(
  port: Port,
  name: keyof Port & string,
  act: (first: never) => Promise<void> | void,
): void {
  const inner = Reflect.get(port, name) as (...args: unknown[]) => unknown
  const outer = async (...args: unknown[]): Promise<unknown> => {
    await act(args[0] as never)
    return Reflect.apply(inner, port, args)
  }
  Object.assign(port, { [name]: outer })
}
