import type { TokenCredential } from '@azure/identity'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { PeerCredentials } from '../../shared/ports/peer-credentials.ts'

export interface EntraOptions {
  /** The site's managed identity. */
  readonly identity: Pick<TokenCredential, 'getToken'>
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
    if (!token) throw new CatamaranError('unavailable', 'Entra ID gave no token for calls to the peer site.')
    return { text: token.token, expiresAtMs: token.expiresOnTimestamp }
  },
})
