import { systemClock } from '../../shared/adapters/clock.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { ObjectStoreOptions } from './object-bucket.ts'

const expirySecondsMax = 7 * 24 * 3_600

/** From when and for how long Signature Version 4 signs a URL, in whole seconds. Throws `invalid-request` past seven days. */
export function signingTime({ clock = systemClock }: ObjectStoreOptions, expiresAtMs: number) {
  const nowMs = clock.now()
  const expiresIn = Math.ceil((expiresAtMs - nowMs) / 1000)
  if (expiresIn >= 1 && expiresIn <= expirySecondsMax) return { expiresIn, signingDate: new Date(nowMs) }
  throw new CatamaranError('invalid-request', 'A URL can be signed for at most seven days')
}
