/** Complete enough for a bundle's module code, which connects to nothing. */
const key = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), kid: 'bench' }
export const initEnvironment: Readonly<Record<string, string>> = {
  CATAMARAN_STAGE: 'bench',
  PEER_URL: 'http://127.0.0.1:9',
  PUBLIC_URL: 'http://127.0.0.1:9',
  EDGE_URL: 'http://127.0.0.1:9',
  PEER_PRIVATE_KEY: JSON.stringify({ ...key, d: 'A'.repeat(43) }),
  PEER_PUBLIC_KEYS: JSON.stringify({ keys: [key] }),
  CURSOR_KEY: Buffer.alloc(32).toString('base64'),
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
