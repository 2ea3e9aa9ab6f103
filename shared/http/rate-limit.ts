import type { Clock } from '../ports/clock.ts'
import type { RateLimitOptions } from './options.ts'

export interface RateLimitVerdict {
  readonly allowed: boolean
  /** Requests left, and seconds until the bucket is full again. */
  readonly remaining: number
  readonly resetSeconds: number
  readonly retryAfterMs: number
}

export interface RateLimiter {
  readonly options: RateLimitOptions
  /** Counts one request of a key or an address. */
  take(name: string): RateLimitVerdict
}

const bucketsMax = 10_000

/**
 * A token bucket per name (a key, or a client's address), in this instance's memory. It protects an instance from a client
 * that runs wild; it is no quota, since each instance of a function counts for itself.
 */
export function makeRateLimiter(clock: Clock, options: RateLimitOptions): RateLimiter {
  const buckets = new Map<string, { tokens: number; atMs: number }>()
  const perMs = options.quota / (options.windowSeconds * 1000)
  function take(name: string): RateLimitVerdict {
    const nowMs = clock.monotonicMs()
    const bucket = buckets.get(name) ?? { tokens: options.quota, atMs: nowMs }
    const tokens = Math.min(options.quota, bucket.tokens + (nowMs - bucket.atMs) * perMs)
    const allowed = tokens >= 1
    const left = allowed ? tokens - 1 : tokens
    // The least recently used bucket goes first; forgetting one only ever fills it up again.
    buckets.delete(name)
    if (buckets.size >= bucketsMax) buckets.delete(buckets.keys().next().value ?? '')
    buckets.set(name, { tokens: left, atMs: nowMs })
    return {
      allowed,
      remaining: Math.floor(left),
      resetSeconds: Math.ceil((options.quota - left) / perMs / 1000),
      retryAfterMs: allowed ? 0 : Math.ceil((1 - left) / perMs),
    }
  }
  return { options, take }
}
