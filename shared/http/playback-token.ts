import type { PlaybackGrant } from '../core/playback.ts'
import { CatamaranError, hasCode } from '../domain/errors.ts'
import { openCursor, sealCursor } from './cursor.ts'

const scope = 'playback'

/** A grant as text for a path, valid at both sites. */
export const sealPlayback = (key: Uint8Array, { tenant, asset, expiresAtMs }: PlaybackGrant): string =>
  sealCursor(key, scope, { tenant, asset, expiresAtMs })

/** Throws `not-found` when the text was not made here, `forbidden` when its time is over. */
export function openPlayback(key: Uint8Array, token: string, nowMs: number): PlaybackGrant {
  const { tenant, asset, expiresAtMs } = opened(key, token)
  if (typeof tenant !== 'string' || typeof asset !== 'string' || typeof expiresAtMs !== 'number') throw unknown()
  if (nowMs >= expiresAtMs) {
    throw new CatamaranError('forbidden', 'The time of this playback address is over: ask for another.')
  }
  return { tenant, asset, expiresAtMs }
}

function opened(key: Uint8Array, token: string): ReturnType<typeof openCursor> {
  try {
    return openCursor(key, scope, token)
  } catch (error) {
    throw hasCode(error, 'invalid-cursor') ? unknown() : error
  }
}

const unknown = (): CatamaranError => new CatamaranError('not-found', 'There is no such playback address.')
