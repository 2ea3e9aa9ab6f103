/** One site's caching edge: `--site aws|azure --port-base N --data DIR`. */
import { createPublicKey } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { S3Client } from '@aws-sdk/client-s3'
import { isSite, type Site } from '../../shared/domain/site.ts'
import { awsPorts, localAccount, localCredentials, localRegion, portBaseDefault } from '../aws/ports.ts'
import { closeServer, listen, runProcess, type Running, StartError } from '../aws/process.ts'
import { azurePorts, storageAccount } from '../azure/endpoints.ts'
import { cloudFrontGate } from './cloudfront.ts'
import { frontDoorGate } from './front-door.ts'
import type { Gate } from './gate.ts'
import { createEdge } from './server.ts'

const { values } = parseArgs({
  options: {
    site: { type: 'string', default: 'aws' },
    data: { type: 'string', default: '.data' },
    'port-base': { type: 'string', default: String(portBaseDefault) },
  },
})
const portBase = Number(values['port-base'])

/** As the templates name them. */
const bucketNames = { objects: 'objects', uploads: 'uploads', drop: 'uploads' } as const

const bucketOf = (segment: string): string | undefined =>
  segment in bucketNames
    ? `catamaran-local-${bucketNames[segment as keyof typeof bucketNames]}-${localAccount}`
    : undefined

function needed(name: string): string {
  const value = process.env[name]
  if (!value) throw new StartError(`${name} is missing from the environment of the edge.`)
  return value
}

function gateOf(site: Site): Gate {
  if (site === 'azure') {
    return frontDoorGate({ blobEndpoint: `http://127.0.0.1:${azurePorts(portBase).blob}/${storageAccount}` })
  }
  const s3 = new S3Client({
    endpoint: `http://127.0.0.1:${awsPorts(portBase).s3}`,
    region: localRegion,
    credentials: localCredentials,
    forcePathStyle: true,
  })
  const publicKeys = new Map([[needed('EDGE_KEY_PAIR_ID'), createPublicKey(needed('EDGE_PUBLIC_KEY'))]])
  return cloudFrontGate({ publicKeys, s3, bucketOf })
}

await runProcess(async (): Promise<Running> => {
  const { site } = values
  if (!isSite(site)) throw new StartError(`--site must be aws or azure, and "${site}" is not.`)
  const server = await createEdge({ gate: gateOf(site), folder: join(values.data, 'edge') })
  const port = site === 'aws' ? awsPorts(portBase).edge : azurePorts(portBase).edge
  await listen(server, port, `${site}-edge`)
  return { ready: { name: `${site}-edge`, port }, close: () => closeServer(server) }
})
