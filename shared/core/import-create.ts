import { mediaKey, uploadKey, type UploadBody } from '../domain/asset.ts'
import { createdOf, writeNew, type Created } from './assets.ts'
import { assetBodyOf, type NewAsset } from './asset-write.ts'
import { sendImport } from './import-send.ts'
import { readRecord } from './record-reads.ts'
import { writeRecord, type Idempotency } from './records.ts'
import type { Services } from './services.ts'

/** A server that does not answer for so long is given up. */
const importMs = 24 * 3_600_000

/**
 * Creates an asset of a file that this site fetches from elsewhere. Whoever calls has looked at the address already.
 * Throws as `createAsset` does.
 */
export async function createImport(
  services: Services,
  tenant: string,
  input: NewAsset & { readonly url: string },
  idempotency?: Idempotency,
  durability?: 'local' | 'both',
): Promise<Created> {
  const body = assetBodyOf(input, { kind: 'import' }, 'multipart')
  const written = await writeNew(services, tenant, { id: input.id, body }, { idempotency, durability })
  const { id } = written.record.key
  if (!(await readRecord(services, mediaKey(tenant, id)))) await begin(services, tenant, id, input.url)
  return createdOf(services, written)
}

async function begin(services: Services, tenant: string, id: string, url: string): Promise<void> {
  const nonce = Buffer.from(services.random.bytes(10)).toString('hex')
  const fresh: UploadBody = {
    kind: 'import',
    site: services.site,
    objectKey: `uploads/${tenant}/${id}/${nonce}`,
    state: 'open',
    expiresAtMs: services.clock.now() + importMs,
    url,
  }
  const key = uploadKey(tenant, id, services.site)
  const { record } = await writeRecord(services, key, { precondition: { kind: 'none' } }, (body) =>
    body && (body as UploadBody).state !== 'gone' ? body : fresh,
  )
  if ((record.body as UploadBody).state === 'open') await sendImport(services, { tenant, asset: id })
}
