import type { JsonWebKey } from 'node:crypto'
import { systemClock, systemRandom } from '../shared/adapters/clock.ts'
import type { Services } from '../shared/core/services.ts'
import { makeApp } from '../shared/http/app.ts'
import { siteSigning } from '../shared/http/signing.ts'
import { type JsonObject, objectOf } from './cloudformation.ts'
import { sampleSecrets } from './samples.ts'

/** The OpenAPI document that the API serves, with the routes of the peer left out; no store is touched to make it. */
export async function apiDocument(): Promise<JsonObject> {
  const services = {
    site: 'aws',
    clock: systemClock,
    random: systemRandom,
    telemetry: { log: () => undefined, metric: () => undefined },
  } as unknown as Services
  const signing = siteSigning({ privateKey: JSON.parse(sampleSecrets.signingPrivateKey) as JsonWebKey, publicKeys: [] })
  const app = makeApp({
    services,
    signing,
    publicUrl: 'https://aws.example',
    peerUrl: 'https://azure.example',
    edgeUrl: 'https://edge.example',
  })
  const answer = await app.fetch(new Request('https://aws.example/openapi.json'))
  if (!answer.ok) throw new Error(`The API answers ${answer.status} to /openapi.json`)
  return objectOf((await answer.json()) as JsonObject)
}
