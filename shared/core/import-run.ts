import { mediaKey, uploadKey, type Failure, type UploadBody } from '../domain/asset.ts'
import { CatamaranError, hasCode } from '../domain/errors.ts'
import { derivedId } from '../domain/hash.ts'
import type { MultipartUpload } from '../ports/object-store.ts'
import { fetchImport, type RemoteFile } from './import-fetch.ts'
import { isImportRefused } from './import-refused.ts'
import { sendImport, type ImportTarget } from './import-send.ts'
import { writeMedia } from './media-store.ts'
import { hearOfEarlierLife } from './own-life.ts'
import { readRecord } from './record-reads.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'
import { beginProcessing, closeAbandoned } from './uploads.ts'
import type { WorkTools } from './work-tools.ts'

const leaseMs = 120_000
const againMs = 20_000
/** A connection that broke after it had brought something is taken up again at once. */
const onMs = 1_000
const none = { precondition: { kind: 'none' } } as const

/** Fetches the file that an asset was to be made of. A message may come twice, or after the work was done. */
export async function runImport(
  services: Services,
  work: WorkTools,
  target: ImportTarget,
  signal: AbortSignal,
): Promise<void> {
  const upload = await openImport(services, target)
  if (!upload) return
  const brought = { parts: 0 }
  const id = derivedId(target.tenant, target.asset)
  const hold = { partition: `import-leases/${id.slice(0, 1)}`, id, value: { holder: randomText(services) } }
  const take = { ...hold, expiresMs: services.clock.now() + leaseMs }
  if (!(await services.siteStore.put(take, { kind: 'absent' }))) return
  try {
    await bring(services, work, { target, upload, hold, brought }, signal)
  } catch (error) {
    await settleFailure(services, { target, upload, error, delayMs: brought.parts > 0 ? onMs : againMs })
  } finally {
    const held = await services.siteStore.get(hold.partition, hold.id)
    if (held?.value['holder'] === hold.value.holder)
      await services.siteStore.remove(hold.partition, hold.id, held.token)
  }
}

const randomText = ({ random }: Services): string => Buffer.from(random.bytes(12)).toString('hex')

async function openImport(services: Services, { tenant, asset }: ImportTarget): Promise<UploadBody | undefined> {
  const upload = (await readRecord(services, uploadKey(tenant, asset, services.site)))?.body as UploadBody | undefined
  return upload?.kind === 'import' && upload.state === 'open' ? upload : undefined
}

interface Import {
  readonly target: ImportTarget
  readonly upload: UploadBody
  /** Parts that came in this run. */
  readonly brought: { parts: number }
  readonly hold: { readonly partition: string; readonly id: string; readonly value: { readonly holder: string } }
}

async function bring(
  services: Services,
  work: WorkTools,
  { target, upload, hold, brought }: Import,
  signal: AbortSignal,
): Promise<void> {
  const { tenant, asset } = target
  const change = (more: Partial<UploadBody>): Promise<UploadBody> => changeImport(services, target, upload, more)
  const { multipart, parts } = await fetchImport(services, work, {
    upload,
    url: upload.url ?? '',
    signal,
    begun: async ({ uploadId }: MultipartUpload, remote: RemoteFile) => void (await change({ uploadId, remote })),
    renew: async () => {
      brought.parts += 1
      const held = await services.siteStore.get(hold.partition, hold.id)
      const isOurs = held?.value['holder'] === hold.value.holder
      const again = { ...hold, expiresMs: services.clock.now() + leaseMs }
      const renewed = isOurs && (await services.siteStore.put(again, { kind: 'unchanged', token: held.token }))
      if (!renewed) throw new CatamaranError('conflict', 'Another run has this import by now.')
    },
  })
  const { etag, bytes } = await services.objects.completeMultipart(multipart, parts)
  const { url: _url, ...complete } = await change({ state: 'complete', etag, bytes })
  await beginProcessing(services, tenant, asset, complete)
}

/** The address goes with the last change that needs it: it may be all that guards the file at its server. */
async function changeImport(
  services: Services,
  { tenant, asset }: ImportTarget,
  { objectKey }: UploadBody,
  more: Partial<UploadBody>,
): Promise<UploadBody> {
  const { record } = await writeRecord(services, uploadKey(tenant, asset, services.site), none, (body) => {
    const present = body as UploadBody | undefined
    if (present?.state !== 'open' || present.objectKey !== objectKey) {
      throw new CatamaranError('conflict', 'This import has ended.')
    }
    const { url, ...rest } = { ...present, ...more }
    return more.state === undefined && url !== undefined ? { ...rest, url } : rest
  })
  return record.body as UploadBody
}

interface Failed {
  readonly target: ImportTarget
  readonly upload: UploadBody
  readonly error: unknown
  readonly delayMs: number
}

/** What may pass is tried again, by message and by the sweep, until the import's time is over. */
async function settleFailure(services: Services, { target, upload, error, delayMs }: Failed): Promise<void> {
  if (hasCode(error, 'conflict')) return
  const detail = (error as { message?: string }).message ?? String(error)
  const isOver = services.clock.now() >= upload.expiresAtMs
  if (isImportRefused(error)) return failImport(services, target, upload, error.failure)
  if (hasCode(error, 'forbidden')) return failImport(services, target, upload, { code: 'address-not-allowed', detail })
  if (isOver) return failImport(services, target, upload, { code: 'import-timed-out', detail: `Given up: ${detail}` })
  services.telemetry.log('warn', 'An import did not come to its end and is tried again', { ...target }, error)
  await sendImport(services, target, delayMs)
}

async function failImport(services: Services, target: ImportTarget, upload: UploadBody, error: Failure): Promise<void> {
  const { tenant, asset } = target
  await hearOfEarlierLife(services, uploadKey(tenant, asset, services.site), [mediaKey(tenant, asset)])
  await writeMedia(services, tenant, asset, (present) =>
    present
      ? undefined
      : {
          status: 'failed',
          version: derivedId('import', services.site, upload.objectKey),
          job: '',
          site: services.site,
          properties: {},
          renditions: [],
          error,
        },
  )
  const current = await openImport(services, target)
  if (current) await closeAbandoned(services, tenant, asset, current)
}
