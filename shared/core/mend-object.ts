import { digestOfKey } from '../domain/asset.ts'
import { CatamaranError } from '../domain/errors.ts'
import type { ObjectTarget, ReadGrant } from '../ports/peer.ts'
import { chunksOf } from './chunks.ts'
import { fileJob } from './job-store.ts'
import { missingPartition, sendCopy, wantObject } from './missing-objects.ts'
import { digestsHere, digestsThere, openGranted } from './object-digests.ts'
import { namingKeys, objectsNamedBy } from './object-names.ts'
import { readRecords } from './record-reads.ts'
import type { Services } from './services.ts'
import { digester } from './work-file.ts'
import type { WorkTools } from './work-tools.ts'

/** With its size where a record tells it. */
type WantedObject = ObjectTarget & { readonly bytes?: number }

/** So many copies under way are enough; whoever wants more comes back. */
const waitingPerShardMax = 500
/** The records that may name them are read together, a hundred at most. */
const namedAtOnceMax = 33

/**
 * Begins to bring objects here that this site lacks, and to look at the bytes of those that it has. Throws `throttled`
 * while thousands are on their way.
 */
export async function fetchObjects(services: Services, targets: readonly WantedObject[]): Promise<void> {
  const waiting = await services.siteStore.list(missingPartition(targets[0]?.key ?? ''), { limit: waitingPerShardMax })
  if (waiting.next !== undefined) {
    throw new CatamaranError('throttled', 'Thousands of objects are on their way already.', { retryAfterMs: 30_000 })
  }
  for (const target of targets) {
    const { tenant, asset, key, bytes } = target
    if (await services.objects.head(key)) {
      await services.jobs.send({ kind: 'mend-object', payload: { tenant, asset, key } })
    } else if (!(await wantObject(services, target, bytes))) {
      // It may have been given up for hours: whoever asks now wants it tried now.
      await sendCopy(services, target)
    }
  }
}

/** The same at the peer's word: only what this site's own records name is looked at. */
export async function fetchForPeer(services: Services, targets: readonly ObjectTarget[]): Promise<number> {
  const named: WantedObject[] = []
  for (const chunk of chunksOf(targets, namedAtOnceMax)) {
    const records = await readRecords(
      services,
      chunk.flatMap(({ tenant, asset }) => namingKeys(tenant, asset)),
    )
    const said = new Map(
      records.flatMap((record) => (record ? objectsNamedBy(record) : [])).map((each) => [each.key, each]),
    )
    for (const { tenant, asset, key } of chunk) {
      const found = said.get(key)
      if (found?.tenant === tenant && found.asset === asset) named.push(found)
    }
  }
  await fetchObjects(services, named)
  return named.length
}

/**
 * Reads an object's bytes here and, when they are not those that its name says, puts the peer's in their place: only after
 * they were found to be the right ones. Safe to do twice, and at anybody's word.
 */
export async function mendObject(
  services: Services,
  work: WorkTools,
  target: ObjectTarget,
  signal: AbortSignal,
): Promise<void> {
  const { key } = target
  const info = await services.objects.head(key)
  const here = info && (await digestsHere(services, key, signal))
  if (!info || !here) return void (await wantObject(services, target))
  const isNamed = info.metadata['sha256'] === digestOfKey(key) && info.metadata['crc64nvme'] === here.crc64nvme
  if (here.sha256 === digestOfKey(key) && isNamed) return
  const [grant] = await services.peer.grantRead([key])
  if (!grant) return giveUp(services, target, 'This object is damaged here, and the peer does not have it.')
  const verdict = await replace(services, work, { grant, key }, signal)
  if (verdict) return giveUp(services, target, verdict)
  services.telemetry.log('warn', 'A damaged object was mended with the bytes of the peer', { key })
}

/** Says what is wrong with the peer's bytes, if anything. The object changes as a whole or not at all. */
async function replace(
  services: Services,
  work: WorkTools,
  { grant, key }: { readonly grant: ReadGrant; readonly key: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  // Read once for the judgement, once for the store: the metadata, which the store wants first, follows from the bytes.
  const found = await digestsThere(work, grant.url, signal)
  if (found.sha256 !== digestOfKey(key)) return `This object is damaged at both sites: SHA-256 ${found.sha256} there.`
  const metadata = { ...grant.metadata, sha256: found.sha256, crc64nvme: found.crc64nvme }
  const again = await digester()
  const checked = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      again.update(chunk)
      controller.enqueue(chunk)
    },
    flush() {
      if (again.result().sha256 === found.sha256) return
      throw new CatamaranError('unavailable', 'The bytes of the peer changed on the way.')
    },
  })
  const stream = (await openGranted(work, grant.url, signal)).pipeThrough(checked)
  await services.objects.put(key, stream, { mediaType: grant.mediaType, metadata, bytes: found.bytes, signal })
  return undefined
}

const giveUp = (services: Services, { tenant, asset, key }: ObjectTarget, cause: string): Promise<void> =>
  fileJob(services, 'mend-object', { tenant, asset, key }, cause)
