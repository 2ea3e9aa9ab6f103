import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hashing } from '../../shared/domain/hashing.ts'
import type { Figure } from '../figures.ts'
import { copyByCore } from './copier.ts'
import { objectsBucket } from './stores.ts'

const memoryBarMiB = 96
const zeros = Buffer.alloc(2 ** 20)

/**
 * What copies of growing size take over an idle process. The source is a file of nothing but zeros, the target an S3 that
 * keeps only what it must answer: so 10 GiB need no disk, and all that happens in the copying process is real.
 */
export async function benchMemory(
  program: string,
  sizesMiB: readonly number[],
  print: (figure: Figure) => void,
): Promise<void> {
  const source = await listening(createServer(serveZeros))
  const target = await listening(createServer(hollowS3()))
  try {
    for (const mib of sizesMiB) {
      const bytes = mib * 2 ** 20
      const { key, metadata } = await describe(bytes)
      const url = `http://127.0.0.1:${source.port}/`
      const grant = { key, url, bytes, mediaType: 'video/mp4', metadata, expiresAtMs: Date.now() + 3_600_000 }
      const endpoints = { s3Port: target.port, blobPort: 1 }
      const { idleMiB, peakMiB, seconds } = await copyByCore(program, {
        endpoints,
        to: 'aws',
        keys: [key],
        bytes,
        atOnce: 1,
        grant,
      })
      const over = { value: peakMiB - idleMiB, unit: 'MiB', bar: { atMost: memoryBarMiB } }
      print({ name: `objects memory over idle: ${mib} MiB`, ...over })
      print({ name: `objects hollow copy: ${mib} MiB`, value: mib / seconds, unit: 'MiB/s' })
    }
  } finally {
    for (const { server } of [source, target]) {
      server.closeAllConnections()
      server.close()
    }
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

/** As much of S3 as a copy needs; a part is its length, its CRC and an ETag. */
function hollowS3(): (request: IncomingMessage, response: ServerResponse) => void {
  const parts = new Map<number, { readonly bytes: number; readonly crc: string }>()
  const done = new Map<string, number>()
  const answer = async (request: IncomingMessage): Promise<[number, Record<string, string>, string]> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://local')
    let bytes = 0
    for await (const piece of request) bytes += (piece as Buffer).length
    const crc = String(request.headers['x-amz-checksum-crc64nvme'] ?? '')
    const part = Number(searchParams.get('partNumber'))
    if (request.method === 'HEAD') {
      const size = done.get(pathname)
      return size === undefined
        ? [404, {}, '']
        : [200, { 'content-length': String(size), etag: `"0-${parts.size}"` }, '']
    }
    if (searchParams.has('uploads')) {
      parts.clear()
      return [200, {}, xml('InitiateMultipartUploadResult', '<UploadId>1</UploadId>')]
    }
    if (request.method === 'PUT' && part > 0) {
      parts.set(part, { bytes, crc })
      return [200, { etag: `"${part}"` }, '']
    }
    if (request.method === 'PUT') {
      done.set(pathname, bytes)
      return [200, { etag: '"0"' }, '']
    }
    if (request.method === 'POST') {
      done.set(
        pathname,
        [...parts.values()].reduce((sum, one) => sum + one.bytes, 0),
      )
      return [200, {}, xml('CompleteMultipartUploadResult', `<Bucket>${objectsBucket}</Bucket><ETag>"0"</ETag>`)]
    }
    const after = Number(searchParams.get('part-number-marker') ?? 0)
    const shown = [...parts.keys()].filter((number) => number > after).toSorted((a, b) => a - b)
    const page = shown.slice(0, 1_000)
    const body = page.map((number) => partXml(number, parts.get(number) ?? { bytes: 0, crc: '' })).join('')
    const marks = `<IsTruncated>${shown.length > page.length}</IsTruncated><NextPartNumberMarker>${page.at(-1) ?? 0}</NextPartNumberMarker>`
    return [200, {}, xml('ListPartsResult', `${marks}<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>${body}`)]
  }
  return (request, response) => {
    void answer(request).then(([status, headers, body]) => {
      response.writeHead(status, headers).end(body)
    })
  }
}

const xml = (root: string, body: string): string => `<?xml version="1.0" encoding="UTF-8"?><${root}>${body}</${root}>`

const partXml = (part: number, { bytes, crc }: { readonly bytes: number; readonly crc: string }): string =>
  `<Part><PartNumber>${part}</PartNumber><ETag>"${part}"</ETag><Size>${bytes}</Size><ChecksumCRC64NVME>${crc}</ChecksumCRC64NVME></Part>`
