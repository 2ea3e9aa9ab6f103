/** URLs live between one and two of these longer than asked at most, and stay the same within one. */
const windowMsMin = 60_000

/**
 * From when and until when a cacheable URL is signed. Both ends are multiples of a window (half the lifetime, at least a minute),
 * so the same request gives the same URL until the window turns. `untilMs` is at least `expiresMs`, less than a window more.
 */
export function windowedExpiry(
  nowMs: number,
  expiresMs: number,
): { readonly fromMs: number; readonly untilMs: number; readonly windowMs: number } {
  const lifetimeMs = Math.max(windowMsMin, expiresMs - nowMs)
  // Rounded up to a power of two minutes, else the window itself would shrink with every millisecond that passes.
  const windowMs = windowMsMin * 2 ** Math.max(0, Math.ceil(Math.log2(lifetimeMs / 2 / windowMsMin)))
  return {
    fromMs: Math.floor(nowMs / windowMs) * windowMs,
    untilMs: Math.ceil(expiresMs / windowMs) * windowMs,
    windowMs,
  }
}
