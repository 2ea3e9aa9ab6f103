import { generateKeyPairSync } from 'node:crypto'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')

/** Secrets of the right form that open nothing, made anew each time. */
export const sampleSecrets = {
  peerPrivateKey: JSON.stringify(privateKey.export({ format: 'jwk' })),
  cursorKey: Buffer.alloc(32, 1).toString('base64'),
}

/** What the other site would give out: its public keys. */
export const samplePeerKeys = JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] })
