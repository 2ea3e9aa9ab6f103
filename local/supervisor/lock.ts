import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StartError } from '../aws/process.ts'
import { isAlive, startedAt } from './process-table.ts'

interface Holder {
  readonly pid: number
  /** Tells the holder from a later process that got the same pid. */
  readonly started: string
  readonly portBase: number
}

export interface Lock {
  /** True when a holder had died without releasing it: its processes may still be ending. */
  readonly takenOver: boolean
  release(): Promise<void>
}

const attemptsMax = 5

/**
 * Makes this process the only one that works on the data folder. A lock whose holder is gone is taken over.
 * Throws StartError naming the holder.
 */
export async function lockFolder(dataFolder: string, portBase: number): Promise<Lock> {
  const path = join(dataFolder, 'lock')
  const mine: Holder = { pid: process.pid, started: startedAt(process.pid) ?? '', portBase }
  const text = JSON.stringify(mine)
  let takenOver = false
  const own = `${path}.${process.pid}.${randomUUID()}`
  await writeFile(own, text)
  try {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      // A link appears whole or not at all, so no reader takes a lock in the making for one cut short.
      if (await linked(own, path)) return { takenOver, release: () => releaseIfMine(path, text) }
      const found = await readFile(path, 'utf8').catch(() => undefined)
      const holder = holderIn(found)
      if (holder !== undefined && isHolding(holder)) {
        throw new StartError(
          `${dataFolder} is in use by process ${holder.pid} (ports from ${holder.portBase}). Stop it with "kill ${holder.pid}", or choose another folder and ports with --data and --port-base.`,
        )
      }
      await removeStale(path, found)
      takenOver = true
    }
  } finally {
    await rm(own, { force: true })
  }
  throw new StartError(`${dataFolder} is being started by another process at this moment. Try again.`)
}

const isHolding = (holder: Holder): boolean => isAlive(holder.pid) && (startedAt(holder.pid) ?? '') === holder.started

/** Undefined for a lock that is gone or was cut short by a crash. */
const holderIn = (text: string | undefined): Holder | undefined => {
  try {
    const holder = JSON.parse(text ?? '') as Partial<Holder>
    return typeof holder.pid === 'number' ? { started: '', portBase: 0, ...holder, pid: holder.pid } : undefined
  } catch {
    return undefined
  }
}

const linked = (from: string, to: string): Promise<boolean> =>
  link(from, to).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false
      throw error
    },
  )

/** Moves the lock aside and looks at what was moved: it is put back when another has taken over in the meantime. */
async function removeStale(path: string, stale: string | undefined): Promise<void> {
  const aside = `${path}.${process.pid}.${randomUUID()}`
  const moved = await rename(path, aside).then(
    () => true,
    () => false,
  )
  if (!moved) return
  if ((await readFile(aside, 'utf8')) !== stale) await linked(aside, path)
  await rm(aside, { force: true })
}

async function releaseIfMine(path: string, text: string): Promise<void> {
  const found = await readFile(path, 'utf8').catch(() => undefined)
  if (found === text) await rm(path, { force: true })
}
