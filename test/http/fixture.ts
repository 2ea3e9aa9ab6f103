import type { Hono } from 'hono'
import { scopes, type ApiEnv } from '../../shared/http/api.ts'
import { makeApp } from '../../shared/http/app.ts'
import { mintKey } from '../../shared/core/keys.ts'
import type { Services } from '../../shared/core/services.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { ApiOptions } from '../../shared/http/options.ts'
import type { Signing } from '../../shared/http/signing.ts'
import { signingOf, siteKeys } from './signing-keys.ts'
import { twoSites, type TwoSites } from '../core/two-sites.ts'

export interface TestApi {
  readonly app: Hono<ApiEnv>
  readonly services: Services
  /** Sends a request with `key` (all scopes of tenant `acme` unless told). */
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answer>
}

export interface CallOptions {
  readonly key?: string | undefined
  readonly headers?: Record<string, string>
  readonly json?: unknown
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>
}

/** What a test looks at: the content is parsed when it is JSON. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: JsonObject
}

/** A value that must be text. */
export function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new Error(`Not text: ${JSON.stringify(value)}`)
  return value
}

/** The items of a list. */
export const itemsOf = (answer: Answer): JsonObject[] => (answer.json['items'] ?? []) as JsonObject[]

export interface TestClouds {
  readonly sites: TwoSites
  readonly aws: TestApi
  readonly azure: TestApi
  readonly keys: { readonly acme: string; readonly other: string }
  /** Another key of tenant acme, with these scopes only. */
  readonly keyWith: (allowed: readonly string[]) => Promise<string>
}

/** Both sites' APIs over stores in memory. Sleeping moves the one clock on at once. */
export async function testClouds(
  options: Partial<ApiOptions> = {},
  signing: Record<Site, Signing> = signingOf(siteKeys()),
): Promise<TestClouds> {
  const sites = twoSites()
  const keys: { acme: string; other: string } = { acme: '', other: '' }
  const make = (site: Site): TestApi => {
    const services: Services = {
      ...sites[site].services,
      clock: {
        now: () => sites.clock.now(),
        monotonicMs: () => sites.clock.monotonicMs(),
        sleep: async (ms, signal) => {
          signal?.throwIfAborted()
          await sites.clock.advance(ms)
        },
      },
    }
    const app = makeApp({
      services,
      signing: signing[site],
      publicUrl: `https://${site}.test`,
      peerUrl: `https://${site === 'aws' ? 'azure' : 'aws'}.test`,
      edgeUrl: `https://edge.${site}.test`,
      ...options,
    })
    return { app, services, call: (method, path, request) => send(app, method, path, { key: keys.acme, ...request }) }
  }
  const aws = make('aws')
  const azure = make('azure')
  const mint = async (tenant: string, allowed: readonly string[]): Promise<string> => {
    const { text } = await mintKey(aws.services, { tenant, name: 'test', scopes: allowed })
    await sites.flush()
    return text ?? ''
  }
  keys.acme = await mint('acme', scopes)
  keys.other = await mint('other', scopes)
  return { sites, aws, azure, keys, keyWith: (allowed) => mint('acme', allowed) }
}

async function send(app: Hono<ApiEnv>, method: string, path: string, options: CallOptions): Promise<Answer> {
  const { key, headers = {}, json, body } = options
  const response = await app.request(`http://api.test${path}`, {
    method,
    headers: {
      ...(key ? { authorization: `Bearer ${key}` } : {}),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(body === undefined ? {} : { body, duplex: 'half' }),
  } as RequestInit)
  const text = await response.text()
  const isJson = /[/+]json$/.test(response.headers.get('content-type') ?? '') && text !== ''
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: (isJson ? JSON.parse(text) : {}) as JsonObject,
  }
}

export const records = '/v1/collections/notes/records'
