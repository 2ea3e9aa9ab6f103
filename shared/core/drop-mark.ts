import { assetKey, mediaKey, uploadKey, type UploadBody } from '../domain/asset.ts'
import { hasCode } from '../domain/errors.ts'
import type { RecordKey, StoredRecord } from '../domain/record.ts'
import type { ObjectInfo } from '../ports/object-store.ts'
import { hearPeer, readRecord } from './record-reads.ts'
import { writeRecord, type Change } from './records.ts'
import type { Services } from './services.ts'

/** A file under `drop/`, and the asset that it is. */
export interface Drop {
  readonly tenant: string
  readonly asset: string
  readonly path: string
  readonly key: string
}

/** There is a file, and its asset is being made, or deleted. */
export const begun = { state: 'complete' } as const
export const gone = { state: 'gone' } as const
export const stateOf = ({ etag, bytes }: ObjectInfo): Settled => ({ state: 'complete', etag, bytes })

/** What this site last made of the file: a person's delete is not undone by an event that comes twice. */
export const readSettled = (
  services: Services,
  of: Pick<Drop, 'tenant' | 'asset'>,
): Promise<StoredRecord | undefined> => readRecord(services, settledKey(services, of))

const settledKey = ({ site }: Services, { tenant, asset }: Pick<Drop, 'tenant' | 'asset'>): RecordKey =>
  uploadKey(tenant, asset, site)

/** A removal may be told of before what a site lost has come back to it, and nobody tells of it again. */
export async function readSettledOrHear(
  services: Services,
  drop: Drop,
  isTold: boolean,
): Promise<StoredRecord | undefined> {
  const record = await readSettled(services, drop)
  if (record || !isTold || !services.incarnation) return record
  const { tenant, asset } = drop
  await hearPeer(services, [settledKey(services, drop), mediaKey(tenant, asset), assetKey(tenant, asset)])
  return readSettled(services, drop)
}

type Settled = Pick<UploadBody, 'state' | 'etag' | 'bytes'>

/** Notes what is made of the file: the mark by which later events, and the scrub, know where they are. */
export async function settle(services: Services, drop: Drop, settled: Settled): Promise<void> {
  const none = { precondition: { kind: 'none' } } as const
  await writeRecord(services, settledKey(services, drop), none, () => settledBody(services, drop, settled))
}

/** Undefined when it is no more what `before` says: another run came between. */
export function settleIf(
  services: Services,
  drop: Drop,
  settled: Settled,
  before: StoredRecord | undefined,
): Promise<StoredRecord | undefined> {
  const test = (live?: StoredRecord): boolean => live?.stamp === before?.stamp
  return writeIf(services, settledKey(services, drop), test, () => settledBody(services, drop, settled))
}

const settledBody = ({ site }: Services, { key }: Drop, settled: Settled): UploadBody => ({
  kind: 'drop',
  site,
  objectKey: key,
  expiresAtMs: 0,
  ...settled,
})

/** Undefined when the test did not hold between the read and the write. */
export async function writeIf(
  services: Services,
  key: RecordKey,
  test: (live?: StoredRecord) => boolean | Promise<boolean>,
  change: Change,
): Promise<StoredRecord | undefined> {
  try {
    return (await writeRecord(services, key, { precondition: { kind: 'holds', test } }, change)).record
  } catch (error) {
    if (hasCode(error, 'precondition-failed')) return undefined
    throw error
  }
}
