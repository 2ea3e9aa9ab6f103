import { systemClock } from '../adapters/clock.ts'
import type { SharedConfig } from '../adapters/environment.ts'
import type { Services } from '../core/services.ts'
import { makeApp } from './app.ts'
import { identityOf } from './compose-peer.ts'
import { peerRoutes } from './peer-routes.ts'
import { peerVerifier } from './peer-token.ts'

/** The API of one site: what its users call, and what its peer calls. */
export const composeApp = (services: Services, config: SharedConfig) =>
  makeApp({
    services,
    cursorKey: config.CURSOR_KEY,
    publicUrl: config.PUBLIC_URL,
    peerUrl: config.PEER_URL,
    edgeUrl: config.EDGE_URL,
    allowedOrigins: config.ALLOWED_ORIGINS,
    peerRoutes: peerRoutes(
      services,
      peerVerifier(identityOf(services.site, config), () => systemClock.now()),
    ),
  })
