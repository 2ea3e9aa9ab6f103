import type { JWK } from 'jose'
import { systemClock } from '../adapters/clock.ts'
import type { SharedConfig } from '../adapters/environment.ts'
import type { Site } from '../domain/site.ts'
import type { Peer } from '../ports/peer.ts'
import type { PeerCredentials } from '../ports/peer-credentials.ts'
import { heldToken } from './held-token.ts'
import { peerClient } from './peer-client.ts'
import { ownKeyCredentials } from './peer-token.ts'

const nowMs = (): number => systemClock.now()

/** The other site, as this one reaches it: by its cloud's identity where an audience is named, else by its own key. */
export function composePeer(site: Site, config: SharedConfig, federated: (audience: string) => PeerCredentials): Peer {
  const { PEER_TOKEN_AUDIENCE: audience, PEER_PRIVATE_KEY: privateKey } = config
  const credentials = audience ? federated(audience) : ownKeyCredentials({ site, privateKey: privateKey as JWK }, nowMs)
  return peerClient({ url: config.PEER_URL, token: heldToken(credentials, nowMs) })
}
