import { generateKeyPairSync } from 'node:crypto'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const signing = generateKeyPairSync('ed25519')

/** Secrets of the right form that open nothing, made anew each time. */
export const sampleSecrets = {
  peerPrivateKey: JSON.stringify(privateKey.export({ format: 'jwk' })),
  signingPrivateKey: JSON.stringify(signing.privateKey.export({ format: 'jwk' })),
}

/** What the other site would give out: its public keys. */
export const samplePeerKeys = JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] })

/** What both sites verify by: their public keys. */
export const sampleSigningKeys = JSON.stringify({
  keys: [publicKey, signing.publicKey].map((key) => key.export({ format: 'jwk' })),
})

/** Whose pages may call the API. */
export const sampleOrigin = 'https://app.example.com'

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
