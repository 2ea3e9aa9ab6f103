import { mkdir, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from '../../scripts/build.ts'
import { type Site, sites } from '../../shared/domain/site.ts'
import { findJava } from '../aws/dynamodb.ts'
import { portBaseDefault, type Urls, urlsFrom } from './addresses.ts'
import { checkFolder, checkPorts, folderError } from './checks.ts'
import { type Child, type ChildEvent, createChild, type ProcessSpec } from './child.ts'
import { lockFolder } from './lock.ts'
import { bundlesName, connectionsOf, type ProcessName, processesOf } from './processes.ts'
import { rssOfTrees } from './process-table.ts'
import { secretsOf } from './secrets.ts'

export interface CloudsOptions {
  /** Everything persists under this folder. */
  readonly dataFolder: string
  readonly portBase?: number
  /** Forget what earlier runs left in the data folder. */
  readonly fresh?: boolean
  /** Schedules run this many times faster than deployed; 6 makes a minute ten seconds. */
  readonly scheduleScale?: number
  /** Set on both hosts, on top of what they need. */
  readonly env?: Readonly<Record<string, string>>
  readonly onEvent?: (event: ChildEvent | BuildEvent) => void
  /** Called with what kills every process at once, before the first of them starts. */
  readonly onAbandon?: (abandon: () => void) => void
  /** Ends the start early, when it fires before both clouds serve. */
  readonly signal?: AbortSignal
}

export interface BuildEvent {
  readonly kind: 'built'
  readonly millis: number
}

/** Both clouds on this machine, serving. */
export interface Clouds {
  readonly urls: Urls
  /** What the official SDKs need to reach the local stores. */
  readonly connections: ReturnType<typeof connectionsOf>
  readonly dataFolder: string
  /** Process id by process name, of those that run now. */
  readonly pids: Readonly<Record<string, number>>
  stopSite(site: Site): Promise<void>
  /** `env` is set on its host from now on, on top of what both were given; the site must be stopped then. */
  startSite(site: Site, env?: Readonly<Record<string, string>>): Promise<void>
  /** SIGKILL to every process of the site at once; they stay away until `startSite`. */
  loseSite(site: Site): Promise<void>
  /** Stops every process of the site where it stands, until `wakeSite`: connections open, and nothing is answered. */
  freezeSite(site: Site): void
  wakeSite(site: Site): void
  /** SIGKILL, as a crash: resolves when it is dead; the supervisor starts it again after a short backoff. */
  kill(name: ProcessName): Promise<void>
  /** An orderly stop, then a start; resolves when it serves. */
  restart(name: ProcessName): Promise<void>
  /** Resolves when the process serves, for instance after `kill`. */
  whenReady(name: ProcessName): Promise<void>
  /** Resident bytes of each of these processes and of all that it started, by pid. */
  rss(names: readonly ProcessName[]): ReadonlyMap<number, number>[]
  /** Path of the process's log. */
  logPath(name: ProcessName): string
  /** Stops everything in order and frees the data folder. */
  stop(): Promise<void>
}

export const scheduleScaleDefault = 6
const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
/** The processes of a supervisor that was killed notice it and end by themselves, within this time. */
const orphansMsMax = 8_000
/** What `fresh` removes: only names that this program makes, since a data folder is a folder that a person chose. */
const ownNames = ['aws', 'azure', 'logs', 'secrets.json']

/**
 * Builds what deploys, starts both clouds, and resolves when both serve.
 * Throws StartError in one line for a fault a person can cure; nothing is left running then.
 */
export async function startClouds(options: CloudsOptions): Promise<Clouds> {
  const dataFolder = resolve(options.dataFolder)
  const portBase = options.portBase ?? portBaseDefault
  const onEvent = options.onEvent ?? (() => undefined)
  await checkFolder(dataFolder)
  const lock = await lockFolder(dataFolder, portBase)
  try {
    findJava(process.env)
    await checkPorts(portBase, lock.takenOver ? orphansMsMax : 0)
    if (options.fresh) {
      await Promise.all(ownNames.map((name) => rm(join(dataFolder, name), { recursive: true, force: true })))
    }
    const secrets = await secretsOf(dataFolder)
    await Promise.all(sites.map((site) => mkdir(join(dataFolder, site), { recursive: true })))
    const surroundings = {
      root,
      dataFolder,
      portBase,
      scheduleScale: options.scheduleScale ?? scheduleScaleDefault,
      secrets,
    }
    // The stores start meanwhile; only the hosts wait for it.
    const built = build().then(({ millis }) => onEvent({ kind: 'built', millis }))
    const groupOf = (site: Site, env: Readonly<Record<string, string>> = {}): Group => {
      const specs = processesOf(site, { ...surroundings, extraEnv: { ...options.env, ...env } })
      return createGroup(specs, { logFolder: join(dataFolder, 'logs'), onEvent, built })
    }
    const groups = { aws: groupOf('aws'), azure: groupOf('azure') }
    options.onAbandon?.(() => abandonAll(groups))
    await startBoth(groups, options.signal)
    return cloudsOf(groups, { dataFolder, portBase, groupOf, release: () => lock.release() })
  } catch (error) {
    await lock.release()
    throw folderError(dataFolder, error)
  }
}

/** On a failure or an abort everything that had started is stopped before the error goes on. */
async function startBoth(groups: Readonly<Record<Site, Group>>, signal: AbortSignal | undefined): Promise<void> {
  const stopAll = () => Promise.all([groups.aws.stop(), groups.azure.stop()])
  const aborted = new Promise<never>((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  try {
    await Promise.race([Promise.all([groups.aws.start(), groups.azure.start()]), aborted])
  } catch (error) {
    await stopAll()
    throw error
  }
}

function abandonAll(groups: Readonly<Record<Site, Group>>): void {
  for (const { children } of Object.values(groups)) for (const child of children.values()) child.abandon()
}

interface Group {
  readonly children: ReadonlyMap<string, Child>
  start(): Promise<void>
  stop(): Promise<void>
  lose(): Promise<void>
}

interface GroupOptions {
  readonly logFolder: string
  readonly onEvent: (event: ChildEvent) => void
  readonly built: Promise<void>
}

function createGroup(specs: readonly ProcessSpec[], { logFolder, onEvent, built }: GroupOptions): Group {
  const children = new Map(specs.map((spec) => [spec.name, createChild(spec, logFolder, onEvent)]))
  let wanted = false
  const start = async (): Promise<void> => {
    const started = new Map([[bundlesName, built]])
    wanted = true
    for (const { name, needs } of specs) {
      const needed = Promise.all(needs.flatMap((need) => started.get(need) ?? []))
      started.set(
        name,
        needed.then(() => (wanted ? children.get(name)?.start() : undefined)),
      )
    }
    await Promise.all(started.values())
  }
  const stop = async (): Promise<void> => {
    wanted = false
    // Hosts before what they call, so that no invocation meets a store that is going away.
    for (const level of levelsOf(specs).toReversed()) {
      await Promise.all(level.map(async (name) => children.get(name)?.stop()))
    }
  }
  const lose = async (): Promise<void> => {
    wanted = false
    await Promise.all([...children.values()].map((child) => child.lose()))
  }
  return { children, start, stop, lose }
}

/** Names by their depth in `needs`: each level needs only earlier ones. */
function levelsOf(specs: readonly ProcessSpec[]): string[][] {
  const depths = new Map<string, number>()
  for (const { name, needs } of specs) {
    depths.set(name, Math.max(-1, ...needs.map((need) => depths.get(need) ?? 0)) + 1)
  }
  const levels: string[][] = []
  for (const [name, depth] of depths) (levels[depth] ??= []).push(name)
  return levels
}

interface Held {
  readonly dataFolder: string
  readonly portBase: number
  /** The processes of a site whose host has this in its environment besides. */
  groupOf(site: Site, env: Readonly<Record<string, string>>): Group
  release(): Promise<void>
}

function cloudsOf(groups: Record<Site, Group>, held: Held): Clouds {
  const all = (): Child[] => [...groups.aws.children.values(), ...groups.azure.children.values()]
  const child = (name: ProcessName): Child => {
    const found = all().find((each) => each.name === name)
    if (found === undefined) throw new Error(`no process is called ${name}`)
    return found
  }
  const each = (site: Site, act: (one: Child) => void): void => {
    for (const one of groups[site].children.values()) act(one)
  }
  return {
    urls: urlsFrom(held.portBase),
    connections: connectionsOf(held.portBase),
    dataFolder: held.dataFolder,
    get pids() {
      return Object.fromEntries(all().flatMap((each) => (each.pid() ? [[each.name, each.pid() ?? 0]] : [])))
    },
    stopSite: (site) => groups[site].stop(),
    startSite: (site, env) => {
      if (env) groups[site] = held.groupOf(site, env)
      return groups[site].start()
    },
    loseSite: (site) => groups[site].lose(),
    freezeSite: (site) => each(site, (one) => one.freeze()),
    wakeSite: (site) => each(site, (one) => one.wake()),
    kill: (name) => child(name).kill(),
    restart: async (name) => {
      await child(name).stop()
      await child(name).start()
    },
    whenReady: (name) => child(name).whenReady(),
    rss: (names) => rssOfTrees(names.map((name) => child(name).pid() ?? -1)),
    logPath: (name) => child(name).logPath,
    stop: async () => {
      await Promise.all([groups.aws.stop(), groups.azure.stop()])
      await held.release()
    },
  }
}
