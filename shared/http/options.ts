import type { Hono } from 'hono'
import type { Services } from '../core/services.ts'
import type { Analytics } from '../ports/analytics.ts'
import type { SignIn } from './sign-in.ts'
import type { Signing } from './signing.ts'

export interface RateLimitOptions {
  /** Requests a key or an address may make per window, also the largest burst. */
  readonly quota: number
  readonly windowSeconds: number
}

export interface ApiOptions {
  readonly services: Services
  /** Of cursors, addresses of images and of streams: what one site signs is good at the other. */
  readonly signing: Signing
  /** Base URLs without a trailing slash: this API, the peer's API, this site's CDN. */
  readonly publicUrl: string
  readonly peerUrl: string
  readonly edgeUrl: string
  /** The peer API, with its own authentication, under /peer/v1. */
  readonly peerRoutes?: Hono
  /** The most bytes of a JSON request. */
  readonly maxBodyBytes?: number
  /** Origins whose pages may call the API, compared exactly. */
  readonly allowedOrigins?: readonly string[]
  /** The platform sends an answer while it is being made; without it, an answer that goes on is sent piece by piece. */
  readonly streamsAnswers?: boolean
  /** Local development: users may name servers on this machine. */
  readonly allowPrivateAddresses?: boolean
  /** Who signed in, by an access token; without it API keys alone are taken. */
  readonly signIn?: SignIn
  readonly rateLimit?: RateLimitOptions
  /** How often one client address may come with a key that is not valid. */
  readonly wrongKeyLimit?: RateLimitOptions
  /** Runs SQL over data files, where this site can. */
  readonly analytics?: Analytics
  readonly version?: string
}
