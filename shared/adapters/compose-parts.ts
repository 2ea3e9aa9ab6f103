import type { Hono } from 'hono'
import type { JSONWebKeySet, JWK } from 'jose'
import type { Services } from '../core/services.ts'
import { makeApp } from '../http/app.ts'
import { peerClient } from '../http/peer-client.ts'
import { peerRoutes } from '../http/peer-routes.ts'
import { peerTokens, peerVerifier, type PeerIdentity } from '../http/peer-token.ts'
import type { Site } from '../domain/site.ts'
import type { Peer } from '../ports/peer.ts'
import { systemClock } from './clock.ts'

/** The part of a site's configuration that both clouds share. */
export interface SharedConfig {
  readonly PEER_URL: string
  readonly PUBLIC_URL: string
  readonly EDGE_URL: string
  readonly PEER_PRIVATE_KEY: JWK
  readonly PEER_PUBLIC_KEYS: JSONWebKeySet
  readonly CURSOR_KEY: Uint8Array
}

const identityOf = (site: Site, config: SharedConfig): PeerIdentity => ({
  site,
  privateKey: config.PEER_PRIVATE_KEY,
  peerKeys: config.PEER_PUBLIC_KEYS,
})

export const composePeer = (site: Site, config: SharedConfig): Peer =>
  peerClient({ url: config.PEER_URL, token: peerTokens(identityOf(site, config), systemClock.now) })

/** The API of one site: what its users call, and what its peer calls. */
export const composeApp = (services: Services, config: SharedConfig): Hono =>
  makeApp({
    services,
    cursorKey: config.CURSOR_KEY,
    publicUrl: config.PUBLIC_URL,
    peerUrl: config.PEER_URL,
    edgeUrl: config.EDGE_URL,
    peerRoutes: peerRoutes(services, peerVerifier(identityOf(services.site, config), systemClock.now)),
  })
