import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

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

/** Resident bytes of a process and all its descendants. */
export function rssOfTree(pid: number): number {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const family = new Set([pid])
  for (let before = 0; before !== family.size; ) {
    before = family.size
    for (const [child, parent] of table) {
      if (child !== undefined && parent !== undefined && family.has(parent)) family.add(child)
    }
  }
  const kilobytes = table.reduce((sum, [id, , rss]) => (family.has(id ?? -1) ? sum + (rss ?? 0) : sum), 0)
  return kilobytes * 1024
}
