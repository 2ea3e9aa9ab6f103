import { generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What one data folder's two sites hold: made once, kept for as long as the data, never the same in two folders. */
export interface Secrets {
  /** Ed25519 private keys as JWK (RFC 8037), each with its `kid`. */
  readonly peerKeys: { readonly aws: JsonWebKey; readonly azure: JsonWebKey }
  /** 32 bytes in base64, shared by the sites. */
  readonly cursorKey: string
  /** The key that signs CloudFront URLs, PEM (PKCS 8, SPKI), RSA 2048 as CloudFront asks. */
  readonly edge: { readonly keyPairId: string; readonly privateKey: string; readonly publicKey: string }
}

const peerKey = (kid: string): JsonWebKey => ({
  ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }),
  kid,
})

const generate = (): Secrets => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    peerKeys: { aws: peerKey('aws-1'), azure: peerKey('azure-1') },
    cursorKey: randomBytes(32).toString('base64'),
    edge: {
      keyPairId: `K${randomBytes(8).toString('hex').toUpperCase()}`,
      privateKey: rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      publicKey: rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    },
  }
}

/** The folder's secrets, made at the first call. The file can be read by its owner alone. */
export async function secretsOf(dataFolder: string): Promise<Secrets> {
  const path = join(dataFolder, 'secrets.json')
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text !== undefined) return JSON.parse(text) as Secrets
  const secrets = generate()
  await writeFile(`${path}.tmp`, JSON.stringify(secrets), { mode: 0o600 })
  await rename(`${path}.tmp`, path)
  return secrets
}

/** The public half as a JWKS (RFC 7517), for the peer. */
export const publicKeysOf = (key: JsonWebKey): { readonly keys: readonly JsonWebKey[] } => {
  const { d: _private, ...publicKey } = key
  return { keys: [publicKey] }
}
