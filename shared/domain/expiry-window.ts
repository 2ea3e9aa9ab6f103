const windowMsMin = 60_000

/**
 * From when and until when a cacheable URL is signed. Both turn together, once a window (a power of two minutes, at least half the
 * lifetime and less than all of it), so the same request gives the same URL until then. `untilMs` is at least `expiresAtMs` and
 * less than a window more; `fromMs` has passed already.
 */
export function windowedExpiry(
  nowMs: number,
  expiresAtMs: number,
): { readonly fromMs: number; readonly untilMs: number; readonly windowMs: number } {
  const lifetimeMs = Math.max(windowMsMin, expiresAtMs - nowMs)
  // A power of two, else the window itself would shrink with every millisecond that passes between two requests.
  const windowMs = windowMsMin * 2 ** Math.max(0, Math.ceil(Math.log2(lifetimeMs / 2 / windowMsMin)))
  const untilMs = Math.ceil(expiresAtMs / windowMs) * windowMs
  return { fromMs: untilMs - 3 * windowMs, untilMs, windowMs }
}
