import { join } from 'node:path'
import type { Site } from '../../shared/domain/site.ts'
import { localCredentials, localRegion } from '../aws/ports.ts'
import { cosmosConnectionString, storageConnectionString } from '../azure/endpoints.ts'
import { stores } from '../azure/stores.ts'
import { portsFrom, urlsFrom } from './addresses.ts'
import type { ProcessSpec } from './child.ts'
import { publicKeysOf, type Secrets } from './secrets.ts'

export const processNames = {
  aws: ['dynamodb', 'aws-services', 'aws-host', 'aws-edge'],
  azure: ['azurite', 'azure-services', 'azure-host', 'azure-edge'],
} as const satisfies Record<Site, readonly string[]>

export type ProcessName = (typeof processNames)[Site][number]

/** What a host needs beside processes: the build. */
export const bundlesName = 'bundles'

interface Surroundings {
  readonly root: string
  readonly dataFolder: string
  readonly portBase: number
  /** Schedules run this many times faster than deployed. */
  readonly scheduleScale: number
  readonly secrets: Secrets
  /** Set on both hosts, on top of what they need. */
  readonly extraEnv: Readonly<Record<string, string>>
}

/** How an SDK reaches the local stores, as the hosts do. */
export const connectionsOf = (portBase: number) => {
  const urls = urlsFrom(portBase)
  const ports = portsFrom(portBase).azure
  return {
    aws: {
      region: localRegion,
      credentials: localCredentials,
      s3: urls.aws.s3,
      sqs: urls.aws.sqs,
      dynamodb: urls.aws.dynamodb,
    },
    azure: {
      cosmos: cosmosConnectionString(ports.cosmos),
      cosmosDatabase: stores.cosmos.database,
      storage: storageConnectionString(ports.blob, ports.queue),
    },
  } as const
}

const inherited = [
  'PATH',
  'HOME',
  'TMPDIR',
  'LANG',
  'JAVA_HOME',
  'FFMPEG_PATH',
  'FILM_PART_PIXELS',
  'LOG_LEVEL',
  'SITE_INCARNATION',
  'ALLOWED_ORIGINS',
  'NODE_EXTRA_CA_CERTS',
]

const inheritedEnv = (): Record<string, string> =>
  Object.fromEntries(inherited.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))

/** What both deployed sites find in their environment. */
const siteEnv = (
  site: Site,
  peer: Site,
  { root, portBase, secrets, extraEnv }: Surroundings,
): Record<string, string> => {
  const urls = urlsFrom(portBase)
  return {
    CATAMARAN_STAGE: 'local',
    PRIVATE_ADDRESSES: 'true',
    PEER_URL: urls[peer].api,
    PUBLIC_URL: urls[site].api,
    EDGE_URL: urls[site].edge,
    PEER_PRIVATE_KEY: JSON.stringify(secrets.peerKeys[site]),
    PEER_PUBLIC_KEYS: JSON.stringify(publicKeysOf(secrets.peerKeys[peer])),
    SIGNING_PRIVATE_KEY: JSON.stringify(secrets.signingKeys[site]),
    SIGNING_PUBLIC_KEYS: JSON.stringify(publicKeysOf(secrets.signingKeys.aws, secrets.signingKeys.azure)),
    ANALYTICS_PROGRAM: join(root, 'local/analytics/engine.ts'),
    ...extraEnv,
  }
}

const awsEnv = (surroundings: Surroundings): Record<string, string> => {
  const { region, credentials, s3, sqs, dynamodb } = connectionsOf(surroundings.portBase).aws
  return {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL_S3: s3,
    AWS_ENDPOINT_URL_SQS: sqs,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    S3_FORCE_PATH_STYLE: 'true',
    EDGE_KEY_PAIR_ID: surroundings.secrets.edge.keyPairId,
    EDGE_PRIVATE_KEY: surroundings.secrets.edge.privateKey,
  }
}

const azureEnv = ({ portBase }: Surroundings): Record<string, string> => {
  const { cosmos, cosmosDatabase, storage } = connectionsOf(portBase).azure
  return { COSMOS: cosmos, COSMOS_DATABASE: cosmosDatabase, STORAGE: storage }
}

/** Every process of the site, in the order in which they start; the reverse is the order in which they stop. */
export function processesOf(site: Site, surroundings: Surroundings): ProcessSpec[] {
  const { root, dataFolder, portBase, scheduleScale } = surroundings
  const common = ['--data', join(dataFolder, site), '--port-base', String(portBase)]
  const env = inheritedEnv()
  const spec = (name: ProcessName, file: string, rest: Partial<ProcessSpec> = {}): ProcessSpec => ({
    name,
    module: join(root, 'local', file),
    args: [...common, ...(rest.args ?? [])],
    env: { ...env, ...rest.env },
    needs: rest.needs ?? [],
  })
  const scale = ['--schedule-scale', String(scheduleScale)]
  const edgeArgs = ['--site', site]
  if (site === 'aws') {
    const cloudEnv = awsEnv(surroundings)
    return [
      spec('dynamodb', 'aws/dynamodb.ts'),
      spec('aws-services', 'aws/services.ts'),
      spec('aws-edge', 'edge/main.ts', {
        args: edgeArgs,
        // The edge checks signatures: it holds the public half alone.
        env: { ...cloudEnv, EDGE_PRIVATE_KEY: '', EDGE_PUBLIC_KEY: surroundings.secrets.edge.publicKey },
      }),
      spec('aws-host', 'aws/host.ts', {
        args: [...scale, '--dist', join(root, 'dist/aws')],
        env: { ...cloudEnv, ...siteEnv('aws', 'azure', surroundings) },
        needs: [bundlesName, 'dynamodb', 'aws-services'],
      }),
    ]
  }
  const cloudEnv = azureEnv(surroundings)
  return [
    spec('azurite', 'azure/azurite.ts'),
    spec('azure-edge', 'edge/main.ts', { args: edgeArgs }),
    spec('azure-services', 'azure/services.ts', { env: cloudEnv }),
    spec('azure-host', 'azure/host.ts', {
      args: [...scale, '--app', join(root, 'dist/azure')],
      env: { ...stores.settings, ...cloudEnv, ...siteEnv('azure', 'aws', surroundings) },
      needs: [bundlesName, 'azurite', 'azure-services'],
    }),
  ]
}
