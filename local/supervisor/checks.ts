import { mkdir, open, rm, stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { StartError } from '../aws/process.ts'
import { namedPorts } from './addresses.ts'

const freeBytesMin = 256 * 1024 * 1024

const faults: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space',
  EDQUOT: 'the disk quota is used up: free some space',
  EROFS: 'the file system is read-only',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'it is a file',
  ENOENT: 'it cannot be created there',
}

/** Makes the folder and proves that it takes data. Throws StartError with cause and cure. */
export async function checkFolder(dataFolder: string, bytesMin = freeBytesMin): Promise<void> {
  const probe = join(dataFolder, `.probe-${process.pid}`)
  try {
    await makeFolder(resolve(dataFolder))
    const file = await open(probe, 'w')
    try {
      await file.writeFile(Buffer.alloc(64 * 1024, 1))
      await file.sync()
    } finally {
      await file.close()
      await rm(probe, { force: true })
    }
  } catch (error) {
    throw folderError(dataFolder, error)
  }
  const { bavail, bsize } = await statfs(dataFolder)
  if (bavail * bsize >= bytesMin) return
  const free = Math.floor((bavail * bsize) / 1024 / 1024)
  throw new StartError(
    `The disk is full: ${free} MB are left at ${resolve(dataFolder)} and ${bytesMin / 1024 / 1024} MB are needed. Free some space, or choose another folder with --data.`,
  )
}

/** Step by step, since a recursive mkdir of Node never returns where the parent says ENOENT for what exists (`/proc`). */
async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return
  if (dirname(path) !== path) await makeFolder(dirname(path))
  await mkdir(path, { mode: 0o700 })
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )

/** One line for a file system fault; anything else as it is. */
export function folderError(dataFolder: string, error: unknown): unknown {
  const cause = faults[(error as NodeJS.ErrnoException).code ?? '']
  if (cause === undefined) return error
  return new StartError(
    `Cannot write to ${resolve(dataFolder)}: ${cause}${cause.includes(':') ? ',' : '. Change that,'} or choose another folder with --data.`,
  )
}

const againMs = 200

/** Waits up to `waitMsMax` for the ports to be free. Throws StartError naming the first that somebody listens on. */
export async function checkPorts(base: number, waitMsMax: number): Promise<void> {
  const deadline = performance.now() + waitMsMax
  for (const { name, port } of namedPorts(base)) {
    let code = await probePort(port)
    while (code === 'EADDRINUSE' && performance.now() < deadline) {
      await setTimeout(againMs)
      code = await probePort(port)
    }
    if (code === undefined) continue
    const cause = code === 'EADDRINUSE' ? 'is in use: stop the program that listens there' : `cannot be used (${code})`
    throw new StartError(`Port ${port} (${name}) ${cause}, or choose other ports with --port-base.`)
  }
}

function probePort(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)))
  })
}
