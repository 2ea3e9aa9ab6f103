import { mediaKey, type MediaBody } from '../domain/asset.ts'
import { hasCode } from '../domain/errors.ts'
import { jsonEqual } from '../domain/json.ts'
import { readRecord } from './record-reads.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'

export async function readMedia(services: Services, tenant: string, asset: string): Promise<MediaBody | undefined> {
  const record = await readRecord(services, mediaKey(tenant, asset))
  return record ? (record.body as MediaBody) : undefined
}

/** Changes what machines know of an asset; a body equal to the present one writes nothing. */
export async function writeMedia(
  services: Services,
  tenant: string,
  asset: string,
  change: (media: MediaBody | undefined) => MediaBody | undefined,
): Promise<MediaBody | undefined> {
  let kept: MediaBody | undefined
  await writeRecord(services, mediaKey(tenant, asset), { precondition: { kind: 'none' } }, (body) => {
    const present = body as MediaBody | undefined
    const next = withTrace(services, change(present), present)
    kept = next ?? present
    if (next === undefined) return body ?? null
    return body && jsonEqual(body, next) ? body : next
  })
  return kept
}

/** A version keeps the trace of what brought it, whichever site or run writes of it later: so both write the same. */
function withTrace(
  { span }: Services,
  next: MediaBody | undefined,
  present: MediaBody | undefined,
): MediaBody | undefined {
  if (next === undefined || next.trace !== undefined) return next
  const trace = present?.version === next.version ? present.trace : span?.trace
  return trace === undefined ? next : { ...next, trace }
}

/** Like writeMedia, but only while the asset still is about this version; false when another version took its place. */
export async function writeMediaOf(
  services: Services,
  { tenant, asset, version }: { readonly tenant: string; readonly asset: string; readonly version: string },
  change: (media: MediaBody) => MediaBody,
): Promise<boolean> {
  try {
    const kept = await writeMedia(services, tenant, asset, (media) =>
      media?.version === version ? change(media) : undefined,
    )
    return kept?.version === version
  } catch (error) {
    if (hasCode(error, 'not-found')) return false
    throw error
  }
}
