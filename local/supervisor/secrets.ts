import { generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What one data folder's two sites hold: made once, kept for as long as the data, never the same in two folders. */
export interface Secrets {
  /** Ed25519 private keys as JWK (RFC 8037), each with its `kid`: by which the sites know each other. */
  readonly peerKeys: { readonly aws: JsonWebKey; readonly azure: JsonWebKey }
  /** The same, with which each signs cursors and addresses. */
  readonly signingKeys: { readonly aws: JsonWebKey; readonly azure: JsonWebKey }
  /** The key that signs CloudFront URLs, PEM (PKCS 8, SPKI), RSA 2048 as CloudFront asks. */
  readonly edge: { readonly keyPairId: string; readonly privateKey: string; readonly publicKey: string }
}

const keyNamed = (kid: string): JsonWebKey => ({
  ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }),
  kid,
})

const generate = (): Secrets => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    peerKeys: { aws: keyNamed('aws-1'), azure: keyNamed('azure-1') },
    signingKeys: { aws: keyNamed('aws-2'), azure: keyNamed('azure-2') },
    edge: {
      keyPairId: `K${randomBytes(8).toString('hex').toUpperCase()}`,
      privateKey: rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      publicKey: rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    },
  }
}

/** The folder's secrets, made at the first call; so is what a folder of an older version lacks. The file can be read by its owner alone. */
export async function secretsOf(dataFolder: string): Promise<Secrets> {
  const path = join(dataFolder, 'secrets.json')
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  const known = JSON.parse(text ?? '{}') as Partial<Secrets>
  if (isWhole(known)) return known
  const secrets = { ...generate(), ...known }
  await writeFile(`${path}.tmp`, JSON.stringify(secrets), { mode: 0o600 })
  await rename(`${path}.tmp`, path)
  return secrets
}

const isWhole = (known: Partial<Secrets>): known is Secrets =>
  known.peerKeys !== undefined && known.signingKeys !== undefined && known.edge !== undefined

/** The public halves as a JWKS (RFC 7517). */
export const publicKeysOf = (...keys: readonly JsonWebKey[]): { readonly keys: readonly JsonWebKey[] } => ({
  keys: keys.map(({ d: _private, ...publicKey }) => publicKey),
})
