import { describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import type { PeerCredentials } from '../../shared/ports/peer-credentials.ts'

export interface PeerCredentialsFixture {
  readonly credentials: PeerCredentials
  readonly audience: string
  /** The service behind it does not answer any more; absent where there is none. */
  readonly lose?: () => void
}

/** Every source of tokens for calls to the peer. */
export function peerCredentialsSuite(name: string, make: () => Promise<PeerCredentialsFixture>): void {
  describe(`peer credentials: ${name}`, () => {
    test('gives a token for the audience, with the end that it tells of itself', async () => {
      const { credentials, audience } = await make()
      const { text, expiresAtMs } = await credentials.token()
      const { aud, exp = 0 } = decodeJwt(text)
      expect([[aud].flat(), exp * 1000]).toEqual([[audience], expiresAtMs])
      expect(expiresAtMs).toBeGreaterThan(Date.now())
    })

    test('says that none is to be had', async () => {
      const { credentials, lose } = await make()
      if (!lose) return
      lose()
      await expect(credentials.token()).rejects.toMatchObject({ name: 'CatamaranError', code: 'unavailable' })
    })
  })
}
