import type { JSONWebKeySet, JWK } from 'jose'
import { systemClock } from '../adapters/clock.ts'
import type { SharedConfig } from '../adapters/environment.ts'
import type { Site } from '../domain/site.ts'
import type { Peer } from '../ports/peer.ts'
import { peerClient } from './peer-client.ts'
import { type PeerIdentity, peerTokens } from './peer-token.ts'

export const identityOf = (site: Site, config: SharedConfig): PeerIdentity => ({
  site,
  privateKey: config.PEER_PRIVATE_KEY as JWK,
  peerKeys: config.PEER_PUBLIC_KEYS as JSONWebKeySet,
})

/** The other site, as this one reaches it. */
export const composePeer = (site: Site, config: SharedConfig): Peer =>
  peerClient({ url: config.PEER_URL, token: peerTokens(identityOf(site, config), () => systemClock.now()) })
