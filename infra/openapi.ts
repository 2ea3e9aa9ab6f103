import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { composeServices } from '../azure/compose.ts'
import { readConfig } from '../azure/config.ts'
import { composeApp } from '../shared/http/compose-app.ts'
import { samplePeerKeys, sampleSecrets } from './samples.ts'

/**
 * Writes `dist/openapi.json`: the document that the deployed API serves, for the gateways to import. It names no servers,
 * since one document serves both sites; a gateway is told by its template where it passes calls on to.
 */
export async function writeOpenApi(root: string): Promise<void> {
  const config = readConfig({
    CATAMARAN_STAGE: 'any',
    PUBLIC_URL: 'https://azure.example',
    EDGE_URL: 'https://edge.example',
    PEER_URL: 'https://aws.example',
    PEER_PRIVATE_KEY: sampleSecrets.peerPrivateKey,
    PEER_PUBLIC_KEYS: samplePeerKeys,
    CURSOR_KEY: sampleSecrets.cursorKey,
    COSMOS__accountEndpoint: 'https://records.example',
    COSMOS_DATABASE: 'catamaran',
    STORAGE__blobServiceUri: 'https://blobs.example',
    STORAGE__queueServiceUri: 'https://queues.example',
  })
  const silent = { log: () => undefined, metric: () => undefined }
  const app = composeApp({ ...composeServices('openapi', config), telemetry: silent }, config)
  const answer = await app.fetch(new Request('https://azure.example/openapi.json'))
  if (!answer.ok) throw new Error(`The API answers ${answer.status} to /openapi.json`)
  const { servers: _, ...document } = (await answer.json()) as Record<string, unknown>
  await mkdir(join(root, 'dist'), { recursive: true })
  await writeFile(join(root, 'dist/openapi.json'), `${JSON.stringify(document, null, 1)}\n`)
}
