import { Hono } from 'hono'
import { exportJWK, generateKeyPair } from 'jose'
import { systemClock, systemRandom } from '../../shared/adapters/clock.ts'
import type { Services } from '../../shared/core/services.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { heldToken } from '../../shared/http/held-token.ts'
import { peerClient } from '../../shared/http/peer-client.ts'
import { peerRoutes } from '../../shared/http/peer-routes.ts'
import { ownKeyCredentials, ownKeyVerifier } from '../../shared/http/peer-token.ts'
import type { Peer } from '../../shared/ports/peer.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'
import type { SiteStore } from '../../shared/ports/site-store.ts'
import { memoryDelivery } from '../../test/memory/delivery.ts'
import { memoryJobQueue } from '../../test/memory/job-queue.ts'
import { memoryObjectStore } from '../../test/memory/object-store.ts'

const clock = systemClock

/** One site's services over these stores, with a peer that it reaches by `peer`. Keeps no logs. */
export function servicesOver(
  site: Services['site'],
  stores: { readonly records: RecordStore; readonly siteStore: SiteStore },
  peer: Peer = absentPeer,
): Services {
  return {
    site,
    ...stores,
    objects: memoryObjectStore({ clock, random: systemRandom }),
    jobs: memoryJobQueue({ clock }),
    delivery: memoryDelivery({ clock }),
    peer,
    clock,
    random: systemRandom,
    telemetry: { log: () => undefined, metric: () => undefined },
  }
}

/** The peer as the other site reaches it: the deployed client, tokens, bodies and routes, without a socket between. */
export async function peerOver(services: Services, roundTripMs = 0): Promise<Peer> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
  const peerKeys = { keys: [await exportJWK(publicKey)] }
  const secret = await exportJWK(privateKey)
  const from = services.site === 'aws' ? 'azure' : 'aws'
  const nowMs = () => clock.now()
  const verify = ownKeyVerifier({ site: services.site, peerKeys }, nowMs)
  const api = new Hono().route('/peer/v1', peerRoutes(services, verify))
  const reach = async (url: string, init?: RequestInit): Promise<Response> => {
    if (roundTripMs > 0) await clock.sleep(roundTripMs / 2)
    const answer = await api.request(url, init)
    if (roundTripMs > 0) await clock.sleep(roundTripMs / 2)
    return answer
  }
  const token = heldToken(ownKeyCredentials({ site: from, privateKey: secret }, nowMs), nowMs)
  return peerClient({ url: 'http://peer.test', token, fetch: reach as typeof fetch })
}

const away = async (): Promise<never> => {
  throw new CatamaranError('peer-unavailable', 'There is no peer in this measurement.')
}

const absentPeer: Peer = {
  offer: away,
  read: away,
  list: away,
  grantRead: away,
  summaries: away,
  compareBuckets: away,
  fetchObjects: away,
  status: away,
}
