import type { JSONWebKeySet } from 'jose'
import { analyticsProcess } from '../adapters/analytics-process.ts'
import { systemClock } from '../adapters/clock.ts'
import type { SharedConfig } from '../adapters/environment.ts'
import type { Services } from '../core/services.ts'
import type { Site } from '../domain/site.ts'
import { makeApp } from './app.ts'
import { federatedVerifier } from './federated-token.ts'
import { peerRoutes } from './peer-routes.ts'
import { ownKeyVerifier } from './peer-token.ts'
import { signInVerifier } from './sign-in.ts'
import { siteSigning } from './signing.ts'

const nowMs = (): number => systemClock.now()

/** The API of one site: what its users call, and what its peer calls. */
export const composeApp = (services: Services, config: SharedConfig, { streamsAnswers = false } = {}) =>
  makeApp({
    services,
    signing: siteSigning({ privateKey: config.SIGNING_PRIVATE_KEY, publicKeys: config.SIGNING_PUBLIC_KEYS.keys }),
    publicUrl: config.PUBLIC_URL,
    peerUrl: config.PEER_URL,
    edgeUrl: config.EDGE_URL,
    allowedOrigins: config.ALLOWED_ORIGINS,
    streamsAnswers,
    ...(config.SIGN_IN && { signIn: signInVerifier(config.SIGN_IN, { nowMs }) }),
    allowPrivateAddresses: config.PRIVATE_ADDRESSES,
    ...(config.ANALYTICS_PROGRAM && { analytics: analyticsProcess({ program: config.ANALYTICS_PROGRAM }) }),
    peerRoutes: peerRoutes(services, verifierOf(services.site, config)),
  })

/** Where both are named, either is good: so that a site can change from keys to identities without a gap. */
function verifierOf(site: Site, config: SharedConfig): (token: string) => Promise<void> {
  const { PEER_ISSUER: issuer, PEER_SUBJECTS: subjects, PEER_AUDIENCE: audience, PEER_PUBLIC_KEYS: peerKeys } = config
  const byKey = peerKeys && ownKeyVerifier({ site, peerKeys: peerKeys as JSONWebKeySet }, nowMs)
  if (!issuer || !subjects || !audience) return byKey ?? refuse
  const byIdentity = federatedVerifier({ issuer, subjects, audience }, { nowMs })
  return byKey ? (token) => byKey(token).catch(() => byIdentity(token)) : byIdentity
}

/** Not reached: the configuration has one or the other. */
const refuse = (): Promise<void> => Promise.reject(new Error('no peer is trusted'))
