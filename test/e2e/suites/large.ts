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

export function largeSuite(pair: () => Pair): void {
  test('a file of 1 GiB goes in by parts, over to the other cloud and out again at flat memory', async () => {
    const { clouds, apis } = pair()
    const path = join(pair().folder, unique('large'))
    await writeSparse(path)
    const sha256 = await digestOf(path)
    const id = unique('large')
    const watch = watchMemory(clouds)
    const began = performance.now()
    const asset = {
      id,
      name: 'large.bin',
      mediaType: 'application/octet-stream',
      bytes: fileBytes,
      sha256,
      upload: 'multipart',
    }
    await uploadFile(apis.aws, { ...asset, upload: 'multipart' }, path)
    const sentMs = performance.now() - began
    const view = await untilReadyAtBoth(pair(), id, 240_000)
    const readyMs = performance.now() - began
    expect([view.sha256, view.bytes]).toEqual([sha256, fileBytes])
    const found = await download(apis.azure, `/v1/assets/${id}/content`, clouds.urls.azure.edge)
    expect([found.sha256, found.bytes]).toEqual([sha256, fileBytes])
    const growth = watch.stop()
    await rm(path)
    const figures = {
      name: 'one-gib',
      sentS: sentMs / 1000,
      readyAtBothS: readyMs / 1000,
      peakMiB: growth.peakMiB,
      grownMiB: growth.grownMiB,
    }
    process.stdout.write(`${JSON.stringify(figures)}\n`)
    for (const [name, grown] of Object.entries(growth.grownMiB)) {
      expect([name, grown * 2 ** 20 < growthBytesMax, grown]).toEqual([name, true, grown])
    }
  }, 400_000)
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

/** Resident memory of each process with all that it started, again and again until stopped. */
function watchMemory(clouds: Clouds): { stop(): Growth } {
  const first = new Map<string, number>(watched.map((name) => [name, clouds.rss(name)]))
  const peak = new Map(first)
  const timer = setInterval(() => {
    for (const name of watched) peak.set(name, Math.max(peak.get(name) ?? 0, clouds.rss(name)))
  }, sampleEveryMs)
  const mebibytes = (value: (name: string) => number): Record<string, number> =>
    Object.fromEntries(watched.map((name) => [name, Math.round(value(name) / 2 ** 20)]))
  return {
    stop: () => {
      clearInterval(timer)
      return {
        peakMiB: mebibytes((name) => peak.get(name) ?? 0),
        grownMiB: mebibytes((name) => (peak.get(name) ?? 0) - (first.get(name) ?? 0)),
      }
    },
  }
}
