import { expect, test } from '@jest/globals'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Clouds } from '../../../local/supervisor/clouds.ts'
import { uploadFile } from '../../../local/tour/upload.ts'
import { download } from '../../../local/tour/verify.ts'
import { untilReadyAtBoth } from '../assets-tools.ts'
import { type Pair, unique } from '../pair.ts'

const fileBytes = 2 ** 30
const markEvery = 2 ** 22
const sampleEveryMs = 250
const watched = ['aws-host', 'aws-services', 'aws-edge', 'azure-host', 'azure-services', 'azure-edge'] as const
/** What a process may take on top of what it had before: a fifth of the file, so that no process can hold it. */
const growthBytesMax = 220 * 2 ** 20
/** An instance of a function once it has loaded its code. */
const idleBytes = 100 * 2 ** 20

export function largeSuite(pair: () => Pair): void {
  test('a file of 1 GiB goes in by parts, over to the other cloud and out again at flat memory', async () => {
    const path = join(pair().folder, unique('large'))
    await writeSparse(path)
    const watch = watchMemory(pair().clouds)
    let times: Times
    try {
      times = await throughBoth(pair(), path)
    } finally {
      watch.stop()
      await rm(path)
    }
    const { peakMiB, grownMiB } = watch.growth()
    process.stdout.write(`${JSON.stringify({ name: 'one-gib', ...times, peakMiB, grownMiB })}\n`)
    for (const [name, grown] of Object.entries(grownMiB)) {
      expect([name, grown * 2 ** 20 < growthBytesMax, grown]).toEqual([name, true, grown])
    }
  }, 300_000)
}

interface Times {
  readonly sentS: number
  readonly readyAtBothS: number
  readonly readBackS: number
}

/** In at AWS, out at Azure, the same bytes. */
async function throughBoth(pair: Pair, path: string): Promise<Times> {
  const { clouds, apis } = pair
  const sha256 = await digestOf(path)
  const id = unique('large')
  const about = { id, name: 'large.bin', mediaType: 'application/octet-stream', bytes: fileBytes, sha256 }
  const began = performance.now()
  await uploadFile(apis.aws, { ...about, upload: 'multipart' }, path)
  const sentMs = performance.now() - began
  const view = await untilReadyAtBoth(pair, id, 150_000)
  const readyMs = performance.now() - began
  expect([view.sha256, view.bytes]).toEqual([sha256, fileBytes])
  const found = await download(apis.azure, `/v1/assets/${id}/content`, clouds.urls.azure.edge)
  expect([found.sha256, found.bytes]).toEqual([sha256, fileBytes])
  const readBackMs = performance.now() - began - readyMs
  return { sentS: sentMs / 1000, readyAtBothS: readyMs / 1000, readBackS: readBackMs / 1000 }
}

/** Holes between marks at every 4 MiB: quick to make, and parts in the wrong place change the digest. */
async function writeSparse(path: string): Promise<void> {
  const file = await open(path, 'w')
  for (let at = 0; at < fileBytes; at += markEvery) await file.write(randomBytes(64), 0, 64, at)
  await file.truncate(fileBytes)
  await file.close()
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash)
  return hash.digest('hex')
}

interface Growth {
  readonly peakMiB: Readonly<Record<string, number>>
  readonly grownMiB: Readonly<Record<string, number>>
}

interface Watch {
  stop(): void
  growth(): Growth
}

/**
 * Resident memory again and again until stopped: the most that each process took together with all that it started, and the
 * most that any one of them grew by. An instance that is started meanwhile counts from what one takes that has nothing to do.
 */
function watchMemory(clouds: Clouds): Watch {
  const first = watched.map(() => new Map<number, number>())
  const grown = watched.map(() => 0)
  const peak = watched.map(() => 0)
  const look = (leastBytes: number): void => {
    for (const [index, family] of clouds.rss(watched).entries()) {
      const known = first[index] ?? new Map<number, number>()
      for (const [pid, bytes] of family) {
        if (!known.has(pid)) known.set(pid, Math.max(bytes, leastBytes))
        grown[index] = Math.max(grown[index] ?? 0, bytes - (known.get(pid) ?? 0))
      }
      const sum = [...family.values()].reduce((all, bytes) => all + bytes, 0)
      peak[index] = Math.max(peak[index] ?? 0, sum)
    }
  }
  look(0)
  const timer = setInterval(() => look(idleBytes), sampleEveryMs)
  const mebibytes = (bytes: readonly number[]): Record<string, number> =>
    Object.fromEntries(watched.map((name, index) => [name, Math.round((bytes[index] ?? 0) / 2 ** 20)]))
  return {
    stop: () => clearInterval(timer),
    growth: () => ({ peakMiB: mebibytes(peak), grownMiB: mebibytes(grown) }),
  }
}
