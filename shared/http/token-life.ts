import { decodeJwt } from 'jose'
import type { PeerToken } from '../ports/peer-credentials.ts'

/** A token with the end that it tells of itself; one that tells none is good for this call alone. */
export const tokenOf = (text: string): PeerToken => ({ text, expiresAtMs: (decodeJwt(text).exp ?? 0) * 1000 })
