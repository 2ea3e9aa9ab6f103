/** Exponential backoff with full jitter (Brooker, "Exponential Backoff and Jitter", 2015). `attempt` counts from 0. */
export function backoffMs(
  attempt: number,
  fraction: number,
  { baseMs, capMs }: { baseMs: number; capMs: number },
): number {
  return Math.ceil(fraction * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)))
}
