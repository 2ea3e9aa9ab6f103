import type { JsonObject } from '../domain/json.ts'
import { bucketCount } from '../domain/record.ts'
import { readMark } from './replication-marks.ts'
import type { Services } from './services.ts'

/** What is known of a whole cycle is older than one by no more than the time that one of so many stretches takes. */
const stretchCount = 16
const stretchBuckets = bucketCount / stretchCount

/** When each stretch of the buckets was last begun, and since when every bucket has been read again; 0 before that is so. */
export function cycleAt(
  mark: JsonObject | undefined,
  start: number,
  nowMs: number,
): { begunMs: number[]; sinceMs: number } {
  const begunMs = [...((mark?.['begunMs'] as number[] | undefined) ?? new Array<number>(stretchCount).fill(0))]
  const stretch = start / stretchBuckets
  if (!Number.isInteger(stretch)) return { begunMs, sinceMs: Number(mark?.['sinceMs'] ?? 0) }
  // The one that begins anew was begun longest ago: all the others have been read whole since then.
  const sinceMs = begunMs[stretch] ?? 0
  begunMs[stretch] = nowMs
  return { begunMs, sinceMs }
}

/** Whatever was stored here before this moment, this site's digests know of it, told by the feed or not. */
export async function scrubbedSinceMs(services: Services): Promise<number> {
  return Number((await readMark(services, 'scrub'))?.['sinceMs'] ?? 0)
}
