import { generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import type { Site } from '../../shared/domain/site.ts'
import { siteSigning, type Signing } from '../../shared/http/signing.ts'

/** A new Ed25519 private key. */
export const newKey = (): JsonWebKey => generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })

/** The half that everybody may know. */
export const openHalf = ({ d: _private, ...open }: JsonWebKey): JsonWebKey => open

export const siteKeys = (): Record<Site, JsonWebKey> => ({ aws: newKey(), azure: newKey() })

/** Each site signs with its own key, and both take what either signed. */
export function signingOf(keys: Record<Site, JsonWebKey>): Record<Site, Signing> {
  const publicKeys = [keys.aws, keys.azure].map(openHalf)
  const of = (privateKey: JsonWebKey): Signing => siteSigning({ privateKey, publicKeys })
  return { aws: of(keys.aws), azure: of(keys.azure) }
}
