import {
  createHash,
  createPrivateKey,
  createPublicKey,
  sign,
  verify,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'

/** What a signature is for. It is signed along, so that no cursor passes for a playback token, nor either for an image. */
export type Purpose = 'cursor' | 'image' | 'playback'

export interface SigningKeys {
  /** This site's own Ed25519 key, a JWK (RFC 8037). */
  readonly privateKey: JsonWebKey
  /** Those of both sites, more of them while they change; this site's own is among them. */
  readonly publicKeys: readonly JsonWebKey[]
}

/** What one site signs, the other takes while the first is gone, and cannot make itself. */
export interface Signing {
  /** `signatureBytes` bytes: which key it was, and its signature. */
  readonly sign: (purpose: Purpose, text: string) => Buffer
  /** Whether either site signed this text for this purpose. Nothing about it is secret, so it may take its time. */
  readonly verify: (purpose: Purpose, text: string, signature: Uint8Array) => boolean
}

const keyIdBytes = 6
export const signatureBytes = keyIdBytes + 64
/** In base64url. */
export const signatureChars = Math.ceil((signatureBytes * 8) / 6)

/** Ed25519 (RFC 8032) by the keys of both sites, each found by the beginning of its thumbprint. */
export function siteSigning({ privateKey, publicKeys }: SigningKeys): Signing {
  const own = createPrivateKey({ key: privateKey, format: 'jwk' })
  const ownId = keyIdOf(createPublicKey(own))
  const keys = new Map(
    publicKeys
      .map((key) => createPublicKey({ key, format: 'jwk' }))
      .map((key) => [keyIdOf(key).toString('hex'), key] as const),
  )
  return {
    sign: (purpose, text) => Buffer.concat([ownId, sign(null, signed(purpose, text), own)]),
    verify: (purpose, text, signature) => {
      const bytes = Buffer.from(signature)
      const key = keys.get(bytes.toString('hex', 0, keyIdBytes))
      return key !== undefined && verify(null, signed(purpose, text), key, bytes.subarray(keyIdBytes))
    },
  }
}

const signed = (purpose: Purpose, text: string): Buffer => Buffer.from(`catamaran-${purpose}\n${text}`)

/** The first 48 bits of the key's thumbprint (RFC 7638). */
function keyIdOf(key: KeyObject): Buffer {
  const { crv, kty, x } = key.export({ format: 'jwk' })
  return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest().subarray(0, keyIdBytes)
}

/** Base64url has several spellings of the same bytes; only the one that is made here is taken. */
export function exactBytes(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
