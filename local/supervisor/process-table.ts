import { readdirSync, readFileSync } from 'node:fs'

/** False for a zombie too: it has ended, though nobody has asked for its exit code yet. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return statFields(pid)?.[0] !== 'Z'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A text that differs between two processes that had the same pid one after the other; undefined where it cannot be told. */
export const startedAt = (pid: number): string | undefined => statFields(pid)?.[19]

/** Linux's `/proc/<pid>/stat` from its third field on: state first, start time twentieth. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the command in brackets and may hold spaces: count from its end.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** Sends a signal to a process group; false when there is none left. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-pid, signal)
    return true
  } catch {
    return false
  }
}

/** For each of these processes the resident bytes of it and of all its descendants, by pid. One look at `/proc`, no process started. */
export function rssOfTrees(pids: readonly number[]): ReadonlyMap<number, number>[] {
  const table = new Map(allPids().map((pid) => [pid, parentAndRss(pid)]))
  const children = new Map<number, number[]>()
  for (const [pid, facts] of table) {
    if (facts) children.set(facts.parent, [...(children.get(facts.parent) ?? []), pid])
  }
  const familyOf = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap(familyOf)]
  return pids.map((root) => new Map(familyOf(root).map((pid) => [pid, table.get(pid)?.rssBytes ?? 0])))
}

const allPids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

function parentAndRss(pid: number): { readonly parent: number; readonly rssBytes: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
    return { parent: field('PPid'), rssBytes: field('VmRSS') * 1024 }
  } catch {
    return undefined
  }
}
