import { generateKeyPairSync } from 'node:crypto'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')

/** Secrets of the right form that open nothing, made anew each time. */
export const sampleSecrets = {
  peerPrivateKey: JSON.stringify(privateKey.export({ format: 'jwk' })),
  cursorKey: Buffer.alloc(32, 1).toString('base64'),
}

/** What the other site would give out: its public keys. */
export const samplePeerKeys = JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] })

/** Two that people sign in with, one of either kind of access token. */
export const sampleSignIn = [
  {
    issuer: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_sample',
    audience: 'client',
    rolesClaim: 'cognito:groups',
    alwaysMfa: true,
  },
  { issuer: 'https://sts.windows.net/00000000-0000-4000-8000-000000000002/', audience: 'api://catamaran' },
] as const
