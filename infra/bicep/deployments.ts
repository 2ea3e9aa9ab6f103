import { writeOpenApi } from '../openapi.ts'
import { sampleOrigin, samplePeerKeys, sampleSignIn, sampleSigningKeys } from '../samples.ts'
import { repository, type Sources } from '../sources.ts'
import { type Deployment, deploy } from './template.ts'
import type { Fields, Resource } from './value.ts'

export const mainFile = 'azure/infra/main.bicep'

/** The name of both sites. */
export const publicDomain = 'api.example.com'

const least: Fields = {
  stage: 'dev',
  location: 'westeurope',
  operatorEmail: 'operators@example.com',
  edge: 'off',
  alarms: 'off',
  peerUrl: 'https://aws.example.com',
  peerPublicKeysBase64: Buffer.from(samplePeerKeys).toString('base64'),
  signingPublicKeysBase64: Buffer.from(sampleSigningKeys).toString('base64'),
}

/** With every option in use that another one does not exclude. */
const most: Fields = {
  ...least,
  edge: 'on',
  alarms: 'on',
  // As long as a stage may be.
  stage: 'stageof16letters',
  lasting: true,
  peerPublicKeysBase64: '',
  peerIssuer: 'https://00000000-0000-0000-0000-000000000000.tokens.sts.global.api.aws',
  peerSubjects: 'arn:aws:iam::123456789012:role/http,arn:aws:iam::123456789012:role/job',
  peerAudience: 'catamaran-peer:azure',
  peerTokenAudience: 'api://catamaran-peer',
  peerHost: 'aws.example.com',
  customDomain: 'media.example.com',
  publicDomain,
  allowedOrigins: sampleOrigin,
  analysisFeatures: 'labels,moderation',
  recordsCapacity: 'autoscale',
  gatewayTier: 'StandardV2',
  storesKey: 'own',
  signInBase64: Buffer.from(JSON.stringify(sampleSignIn)).toString('base64'),
  logForwarding: 'on',
  logReaderIssuer: 'https://00000000-0000-0000-0000-000000000000.tokens.sts.global.api.aws',
  logReaderSubject: 'arn:aws:iam::123456789012:role/log-collector',
  alwaysReady: [
    { name: 'http', instanceCount: 1 },
    { name: 'function:change-feed', instanceCount: 1 },
  ],
}

interface Deployments {
  readonly least: Deployment
  readonly most: Deployment
}

const made = new WeakMap<Sources, Promise<Deployments>>()

/** What the Bicep files would deploy, with the fewest and with the most options. */
export function deploymentsOf(sources: Sources): Promise<Deployments> {
  const known = made.get(sources)
  if (known) return known
  const making = (async () => {
    if (sources.root === repository) await writeOpenApi(repository)
    return { least: await deploy(sources.root, mainFile, least), most: await deploy(sources.root, mainFile, most) }
  })()
  made.set(sources, making)
  return making
}

/** The resources of a type that are deployed, whatever options are chosen; the more complete ones last. */
export async function resourcesOf(sources: Sources, ...types: string[]): Promise<Resource[]> {
  const { least: few, most: many } = await deploymentsOf(sources)
  return [...few.resources, ...many.resources].filter(({ type, existing }) => !existing && types.includes(type))
}
