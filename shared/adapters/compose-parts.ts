import type { JSONWebKeySet, JWK } from 'jose'
import type { z } from 'zod'
import type { Services } from '../core/services.ts'
import { makeApp } from '../http/app.ts'
import { peerClient } from '../http/peer-client.ts'
import { peerRoutes } from '../http/peer-routes.ts'
import { peerTokens, peerVerifier, type PeerIdentity } from '../http/peer-token.ts'
import type { Site } from '../domain/site.ts'
import type { Peer } from '../ports/peer.ts'
import { systemClock } from './clock.ts'
import type { sharedVariables } from './environment.ts'

/** The part of a site's configuration that both clouds share. */
type SharedConfig = z.infer<z.ZodObject<typeof sharedVariables>>

const identityOf = (site: Site, config: SharedConfig): PeerIdentity => ({
  site,
  privateKey: config.PEER_PRIVATE_KEY as JWK,
  peerKeys: config.PEER_PUBLIC_KEYS as JSONWebKeySet,
})

export const composePeer = (site: Site, config: SharedConfig): Peer =>
  peerClient({ url: config.PEER_URL, token: peerTokens(identityOf(site, config), systemClock.now) })

export type Api = ReturnType<typeof makeApp>

/** The API of one site: what its users call, and what its peer calls. */
export const composeApp = (services: Services, config: SharedConfig): Api =>
  makeApp({
    services,
    cursorKey: config.CURSOR_KEY,
    publicUrl: config.PUBLIC_URL,
    peerUrl: config.PEER_URL,
    edgeUrl: config.EDGE_URL,
    peerRoutes: peerRoutes(services, peerVerifier(identityOf(services.site, config), systemClock.now)),
  })
