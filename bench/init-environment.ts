import { generateKeyPairSync } from 'node:crypto'

const { d, ...open } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
const secretKey = JSON.stringify({ ...open, d })
const openKeys = JSON.stringify({ keys: [open] })

/** Complete enough for a bundle's module code, which connects to nothing. */
export const initEnvironment: Readonly<Record<string, string>> = {
  CATAMARAN_STAGE: 'bench',
  PEER_URL: 'http://127.0.0.1:9',
  PUBLIC_URL: 'http://127.0.0.1:9',
  EDGE_URL: 'http://127.0.0.1:9',
  PEER_PRIVATE_KEY: secretKey,
  PEER_PUBLIC_KEYS: openKeys,
  SIGNING_PRIVATE_KEY: secretKey,
  SIGNING_PUBLIC_KEYS: openKeys,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local-secret',
  RECORDS_TABLE: 'records',
  SITE_TABLE: 'site',
  UPLOADS_BUCKET: 'uploads',
  OBJECTS_BUCKET: 'objects',
  JOBS_QUEUE_URL: 'http://127.0.0.1:9/jobs',
  JOBS_DEAD_LETTER_QUEUE_URL: 'http://127.0.0.1:9/dead',
  UPLOAD_EVENTS_QUEUE_URL: 'http://127.0.0.1:9/events',
  UPLOAD_EVENTS_DEAD_LETTER_QUEUE_URL: 'http://127.0.0.1:9/dead-events',
  EDGE_KEY_PAIR_ID: 'K',
  EDGE_PRIVATE_KEY: '-----BEGIN PRIVATE KEY-----',
  COSMOS: 'AccountEndpoint=http://127.0.0.1:9/;AccountKey=AAAA;',
  COSMOS_DATABASE: 'catamaran',
  STORAGE:
    'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=AAAA;BlobEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a',
}
