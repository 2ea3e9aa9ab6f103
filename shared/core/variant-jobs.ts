import { isJsonObject, type JsonObject } from '../domain/json.ts'
import type { JobMessage } from '../ports/job-queue.ts'
import type { Services } from './services.ts'
import type { VariantRef } from './variant-records.ts'

/** A variant whose message got lost is sent for again after this. */
const resendMs = 20_000
/** A mark that nobody removed is forgotten. */
const forgetMs = 600_000
const shardCount = 8

/** What a job is told: everything that it needs but the bytes. */
export interface VariantOrder extends VariantRef {
  /** Of a recipe. */
  readonly options: JsonObject
  /** The asset whose image is the watermark. */
  readonly watermark?: string
}

const placeOf = ({ tenant, asset, id }: VariantRef): { partition: string; id: string } => ({
  partition: `variants/${id.charCodeAt(0) % shardCount}`,
  id: `${tenant}/${asset}/${id}`,
})

/** Has a variant made, once however many ask for it at the same time: whoever marks it sends the message. */
export async function orderVariant(services: Services, order: VariantOrder): Promise<void> {
  const { partition, id } = placeOf(order)
  const nowMs = services.clock.now()
  const item = { partition, id, value: { sentMs: nowMs }, expiresMs: nowMs + forgetMs }
  if (!(await services.siteStore.put(item, { kind: 'absent' })) && !(await renewed(services, item))) return
  const { tenant, asset, options, watermark } = order
  const payload = { tenant, asset, variant: order.id, options, ...(watermark === undefined ? {} : { watermark }) }
  await services.jobs.send({ kind: 'variant', payload })
}

/** The order that a message carries; undefined when it carries none. */
export function variantOrderOf({ kind, payload }: Pick<JobMessage, 'kind' | 'payload'>): VariantOrder | undefined {
  const { tenant, asset, variant, options, watermark } = payload
  if (kind !== 'variant' || !isJsonObject(options)) return undefined
  if (typeof tenant !== 'string' || typeof asset !== 'string' || typeof variant !== 'string') return undefined
  return { tenant, asset, id: variant, options, ...(typeof watermark === 'string' ? { watermark } : {}) }
}

/** Whether the mark was old and is this caller's now. */
async function renewed(
  services: Services,
  item: { partition: string; id: string; value: { sentMs: number }; expiresMs: number },
): Promise<boolean> {
  const known = await services.siteStore.get(item.partition, item.id)
  if (!known) return services.siteStore.put(item, { kind: 'absent' })
  if (Number(known.value['sentMs']) + resendMs > item.value.sentMs) return false
  return services.siteStore.put(item, { kind: 'unchanged', token: known.token })
}

export async function forgetOrder(services: Services, ref: VariantRef): Promise<void> {
  const { partition, id } = placeOf(ref)
  await services.siteStore.remove(partition, id)
}
