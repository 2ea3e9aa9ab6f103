import { CatamaranError } from '../../shared/domain/errors.ts'
import type { PeerCredentials } from '../../shared/ports/peer-credentials.ts'
import type { Identity } from './identity.ts'

export interface EntraOptions {
  /** The site's managed identity. */
  readonly identity: Identity
  /** The application in whose name tokens are asked for, such as api://catamaran-peer. */
  readonly audience: string
}

/** Tokens in which Entra ID vouches for this site's managed identity. */
export const entraCredentials = ({ identity, audience }: EntraOptions): PeerCredentials => ({
  token: async () => {
    const scope = `${audience.replace(/\/\.default$/, '')}/.default`
    const token = await identity.getToken(scope).catch((cause: unknown) => {
      throw new CatamaranError('unavailable', 'Entra ID gives no token for calls to the peer site now.', { cause })
    })
    return { text: token.token, expiresAtMs: token.expiresOnTimestamp }
  },
})
