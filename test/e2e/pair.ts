import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signInAt, startIssuer } from '../../local/issuer/server.ts'
import { seedKey } from '../../local/seed.ts'
import { issuerPortFrom, namedPorts } from '../../local/supervisor/addresses.ts'
import { type Clouds, startClouds } from '../../local/supervisor/clouds.ts'
import { type Api, apiOf } from '../../local/tour/api.ts'
import { type Site, sites } from '../../shared/domain/site.ts'
import { type PageHost, startPageHost } from './browser.ts'

/** One pair of clouds, with two tenants that must never see each other. */
export interface Pair {
  readonly clouds: Clouds
  readonly tenant: string
  readonly apis: Readonly<Record<Site, Api>>
  readonly foreign: Readonly<Record<Site, Api>>
  /** Of pages that both sites let in. */
  readonly pages: PageHost
  /** Where people sign in. */
  readonly issuerUrl: string
  /** For what a test writes to disk; removed at the end. */
  readonly folder: string
  stop(): Promise<void>
}

const tenant = 'e2e'
const foreignTenant = 'other'
const portTriesMax = 50
/** A film of three times this is made in parts: more than any that a suite does not mean to be. */
const FILM_PART_PIXELS = '450000000'

export async function startPair(): Promise<Pair> {
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-e2e-'))
  const pages = await startPageHost()
  const portBase = await freePortBase()
  const issuer = await startIssuer(issuerPortFrom(portBase))
  const env = { FILM_PART_PIXELS, SIGN_IN: signInAt(issuerPortFrom(portBase)), ALLOWED_ORIGINS: pages.origin }
  const clouds = await startClouds({ dataFolder: join(folder, 'data'), portBase, env })
  try {
    const [key, foreignKey] = [await seedKey(clouds, tenant), await seedKey(clouds, foreignTenant)]
    const apisWith = (text: string): Record<Site, Api> => ({
      aws: apiOf('aws', clouds.urls.aws.api, text),
      azure: apiOf('azure', clouds.urls.azure.api, text),
    })
    const stop = async (): Promise<void> => {
      await clouds.stop()
      pages.close()
      await issuer[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    }
    const [apis, foreign] = [apisWith(key), apisWith(foreignKey)]
    return { clouds, tenant, apis, foreign, pages, issuerUrl: issuer.url, folder, stop }
  } catch (error) {
    await clouds.stop()
    throw error
  }
}

/** A base from which every port is free just now. */
async function freePortBase(): Promise<number> {
  for (let attempt = 0; attempt < portTriesMax; attempt++) {
    const base = 20_000 + Math.floor(Math.random() * 300) * 50
    const free = await Promise.all([...namedPorts(base).map(({ port }) => port), issuerPortFrom(base)].map(isFree))
    if (free.every(Boolean)) return base
  }
  throw new Error('No free ports were found')
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

export const peerSite = (site: Site): Site => (site === 'aws' ? 'azure' : 'aws')

let counter = 0
/** A name that no other test uses. */
export const unique = (prefix: string): string => `${prefix}-${process.pid.toString(36)}-${(counter++).toString(36)}`

export { sites }
