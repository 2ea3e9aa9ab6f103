import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hashing } from '../../shared/domain/hashing.ts'
import { type Site, sites } from '../../shared/domain/site.ts'
import type { Figure } from '../figures.ts'
import type { CopyOrder } from './copier-child.ts'
import { copyByCore } from './copier.ts'
import { hollowBlob } from './hollow-blob.ts'
import { hollowS3 } from './hollow-s3.ts'

const memoryBarMiB = 96
const zeros = Buffer.alloc(2 ** 20)

/**
 * What copies of growing size take over an idle process. The source is a file of nothing but zeros, the target a store that
 * keeps only what it must answer: so 10 GiB need no disk, and all that happens in the copying process is real.
 */
export async function benchMemory(
  program: string,
  sizesMiB: readonly number[],
  print: (figure: Figure) => void,
): Promise<void> {
  const source = await listening(createServer(serveZeros))
  const targets = { aws: await listening(createServer(hollowS3())), azure: await listening(createServer(hollowBlob())) }
  const endpoints = { s3Port: targets.aws.port, blobPort: targets.azure.port }
  try {
    for (const mib of sizesMiB) {
      const bytes = mib * 2 ** 20
      const { key, metadata } = await describe(bytes)
      const url = `http://127.0.0.1:${source.port}/`
      const grant = { key, url, bytes, mediaType: 'video/mp4', metadata, expiresAtMs: Date.now() + 3_600_000 }
      for (const to of sites) await measure(to, mib, { endpoints, to, keys: [key], bytes, atOnce: 1, grant })
    }
  } finally {
    for (const { server } of [source, ...Object.values(targets)]) {
      server.closeAllConnections()
      server.close()
    }
  }

  async function measure(to: Site, mib: number, order: CopyOrder): Promise<void> {
    const { idleMiB, peakMiB, seconds } = await copyByCore(program, order)
    const over = { value: peakMiB - idleMiB, unit: 'MiB', bar: { atMost: memoryBarMiB } }
    print({ name: `objects memory over idle: ${mib} MiB to ${to}`, ...over })
    print({ name: `objects hollow copy: ${mib} MiB to ${to}`, value: mib / seconds, unit: 'MiB/s' })
  }
}

async function describe(bytes: number): Promise<{ key: string; metadata: Record<string, string> }> {
  const sha = createHash('sha256')
  const crc = (await hashing).crc64()
  for (let at = 0; at < bytes; at += zeros.length) {
    sha.update(zeros)
    crc.update(zeros)
  }
  const sha256 = sha.digest('hex')
  return { key: `objects/bench/zeros/${sha256}`, metadata: { sha256, crc64nvme: crc.hex() } }
}

async function listening(server: Server): Promise<{ server: Server; port: number }> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port }
}

function serveZeros(request: IncomingMessage, response: ServerResponse): void {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  let left = Number(last) - Number(first) + 1
  response.writeHead(206, { 'content-length': left })
  const more = (): void => {
    while (left > 0) {
      const piece = zeros.subarray(0, left)
      left -= piece.length
      if (!response.write(piece)) return void response.once('drain', more)
    }
    response.end()
  }
  more()
}
