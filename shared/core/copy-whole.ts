import { hasCode } from '../domain/errors.ts'
import type { ReadGrant } from '../ports/peer.ts'
import type { CopyHold } from './copy-hold.ts'
import { copyPartBytes } from './copy-parts.ts'
import type { CopySource } from './copy-run.ts'
import { readRange } from './ranged-read.ts'
import type { Services } from './services.ts'
import { digester, type Digests } from './work-file.ts'
import type { WorkTools } from './work-tools.ts'

type Check = (promised: Pick<ReadGrant, 'bytes' | 'metadata'>, found: Digests) => void

/** Small enough to be held: one request to read it, one to store it. */
export async function copyWhole(
  services: Services,
  work: WorkTools,
  { hold, source }: { readonly hold: CopyHold; readonly source: CopySource },
  assertSame: Check,
): Promise<void> {
  const { grant } = source
  const { body, digests } = await readWhole(services, work, hold, { bytes: grant.bytes, url: source.url })
  assertSame(grant, digests)
  await putWhole(services, hold, body, { ...grant, crc64nvme: digests.crc64nvme })
}

/**
 * The same without asking the peer's store about the object first: how long it is the mark says, what it is the store says
 * with the bytes, and SHA-256 says whether they are the right ones. False when nothing came that way, or nothing is known.
 */
export async function copyUnseen(
  services: Services,
  work: WorkTools,
  hold: CopyHold,
  assertSame: Check,
): Promise<boolean> {
  const { key, bytes = 0, attempts } = hold.missing
  if (bytes === 0 || bytes > copyPartBytes(work) || attempts > 0) return false
  const [grant] = await services.peer.grantRead([key], { unseen: true })
  if (!grant) return false
  const found = await ifThere(readWhole(services, work, hold, { bytes, url: () => Promise.resolve(grant.url) }))
  if (!found) return false
  const { body, digests, mediaType = 'application/octet-stream' } = found
  const { sha256, crc64nvme } = digests
  assertSame({ bytes, metadata: {} }, digests)
  await putWhole(services, hold, body, { mediaType, metadata: { sha256, crc64nvme }, crc64nvme })
  return true
}

interface Read {
  readonly body: Buffer
  readonly digests: Digests
  /** As the peer's store says. */
  readonly mediaType: string | undefined
}

async function readWhole(
  services: Services,
  work: WorkTools,
  { signal }: CopyHold,
  { bytes, url }: { readonly bytes: number; readonly url: () => Promise<string> },
): Promise<Read> {
  const body = Buffer.allocUnsafeSlow(bytes)
  const sleep = (ms: number, until: AbortSignal): Promise<void> => services.clock.sleep(ms, until)
  const mediaType = await readRange(work.fetchRange ?? work.fetch, { url, first: 0, target: body, signal, sleep })
  const digests = await digester()
  digests.update(body)
  return { body, digests: digests.result(), mediaType }
}

/** A store may refuse what it does not have as if it were forbidden: asking about the object tells which. */
async function ifThere(reading: Promise<Read>): Promise<Read | undefined> {
  try {
    return await reading
  } catch (error) {
    if (hasCode(error, 'peer-unavailable')) return undefined
    throw error
  }
}

async function putWhole(
  services: Services,
  { missing, signal }: CopyHold,
  body: Buffer,
  { mediaType, metadata, crc64nvme }: Pick<ReadGrant, 'mediaType' | 'metadata'> & { readonly crc64nvme: string },
): Promise<void> {
  const about = { mediaType, metadata, bytes: body.byteLength, crc64nvme }
  await services.objects.put(missing.key, body, { ...about, ifAbsent: true, signal })
}
