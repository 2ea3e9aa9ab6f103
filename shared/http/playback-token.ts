import type { PlaybackGrant } from '../core/playback.ts'
import { CatamaranError } from '../domain/errors.ts'
import { seal, unseal } from './sealed-text.ts'
import type { Signing } from './signing.ts'

/** A grant as text for a path, valid at both sites. */
export const sealPlayback = (signing: Signing, { tenant, asset, expiresAtMs }: PlaybackGrant): string =>
  seal(signing, 'playback', null, { tenant, asset, expiresAtMs })

/** Throws `not-found` when neither site made the text, `forbidden` when its time is over. */
export function openPlayback(signing: Signing, token: string, nowMs: number): PlaybackGrant {
  const { tenant, asset, expiresAtMs } = unseal(signing, 'playback', null, token) ?? {}
  if (typeof tenant !== 'string' || typeof asset !== 'string' || typeof expiresAtMs !== 'number') {
    throw new CatamaranError('not-found', 'There is no such playback address: ask for another.')
  }
  if (nowMs >= expiresAtMs) {
    throw new CatamaranError('forbidden', 'The time of this playback address is over: ask for another.')
  }
  return { tenant, asset, expiresAtMs }
}
