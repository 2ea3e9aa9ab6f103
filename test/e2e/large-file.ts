import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { Unexpected } from '../../local/tour/api.ts'
import { uploadFile } from '../../local/tour/upload.ts'
import { download } from '../../local/tour/verify.ts'
import type { Site } from '../../shared/domain/site.ts'
import { untilReadyAtBoth } from './assets-tools.ts'
import { type Pair, peerSite, unique } from './pair.ts'

const markEvery = 2 ** 22

export interface Times {
  readonly sentS: number
  readonly readyAtBothS: number
  readonly readBackS: number
}

/** Holes between marks at every 4 MiB: quick to make, and parts in the wrong place change the digest. */
export async function writeSparse(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w')
  for (let at = 0; at < bytes; at += markEvery) await file.write(randomBytes(64), 0, 64, at)
  await file.truncate(bytes)
  await file.close()
}

/** In by parts at one site, out through the edge of the other: throws Unexpected unless they are the same bytes. */
export async function throughBoth(
  pair: Pair,
  from: Site,
  file: { readonly path: string; readonly bytes: number },
  timeoutMs: number,
): Promise<Times> {
  const { clouds, apis } = pair
  const sha256 = await digestOf(file.path)
  const id = unique('large')
  const about = { id, name: 'large.bin', mediaType: 'application/octet-stream', bytes: file.bytes, sha256 }
  const began = performance.now()
  await uploadFile(apis[from], { ...about, upload: 'multipart' }, file.path)
  const sentMs = performance.now() - began
  const view = await untilReadyAtBoth(pair, id, timeoutMs)
  const readyMs = performance.now() - began
  const to = peerSite(from)
  const found = await download(apis[to], `/v1/assets/${id}/content`, clouds.urls[to].edge, timeoutMs)
  for (const seen of [view, found]) {
    if (seen.sha256 !== sha256 || seen.bytes !== file.bytes)
      throw new Unexpected(`${file.bytes} bytes from ${from}`, sha256, `${seen.bytes} bytes, ${seen.sha256}`)
  }
  const readBackMs = performance.now() - began - readyMs
  return { sentS: sentMs / 1000, readyAtBothS: readyMs / 1000, readBackS: readBackMs / 1000 }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash)
  return hash.digest('hex')
}
