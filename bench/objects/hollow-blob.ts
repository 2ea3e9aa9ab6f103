import type { IncomingMessage, ServerResponse } from 'node:http'

type Answer = readonly [status: number, headers: Record<string, string>, body: string]

/** What a blob needs to be looked at: its length, and the metadata that came with it. */
interface Blob {
  readonly bytes: number
  readonly headers: Record<string, string>
}

/** As much of Blob Storage as a copy needs; a block is its length and its CRC. */
export function hollowBlob(): (request: IncomingMessage, response: ServerResponse) => void {
  const blocks = new Map<string, number>()
  const blobs = new Map<string, Blob>()
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://local')
    const pieces: Buffer[] = []
    let bytes = 0
    const isList = request.method === 'PUT' && searchParams.get('comp') === 'blocklist'
    for await (const piece of request) {
      bytes += (piece as Buffer).length
      if (isList) pieces.push(piece as Buffer)
    }
    const facts = { etag: '"0"', 'last-modified': new Date(0).toUTCString(), 'x-ms-request-id': 'hollow' }
    if (request.method === 'HEAD') {
      const blob = blobs.get(pathname)
      if (!blob) return [404, { ...facts, 'x-ms-error-code': 'BlobNotFound' }, '']
      return [
        200,
        { ...facts, ...blob.headers, 'content-length': String(blob.bytes), 'x-ms-blob-type': 'BlockBlob' },
        '',
      ]
    }
    if (request.method === 'GET') return [200, { ...facts, 'content-type': 'application/xml' }, listOf(blocks)]
    if (searchParams.get('comp') === 'block') {
      blocks.set(searchParams.get('blockid') ?? '', bytes)
      return [201, { ...facts, 'x-ms-content-crc64': String(request.headers['x-ms-content-crc64'] ?? '') }, '']
    }
    const named = [
      ...Buffer.concat(pieces)
        .toString()
        .matchAll(/<Latest>([^<]+)<\/Latest>/g),
    ]
    const whole = isList ? named.reduce((sum, [, id = '']) => sum + (blocks.get(id) ?? 0), 0) : bytes
    blobs.set(pathname, { bytes: whole, headers: metadataOf(request) })
    blocks.clear()
    return [201, facts, '']
  }
  return (request, response) => {
    void answer(request).then(([status, headers, body]) => {
      response.writeHead(status, headers).end(body)
    })
  }
}

const metadataOf = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith('x-ms-meta-') && typeof value === 'string' ? [[name, value]] : [],
    ),
  )

function listOf(blocks: ReadonlyMap<string, number>): string {
  const each = [...blocks].map(([id, size]) => `<Block><Name>${id}</Name><Size>${size}</Size></Block>`)
  return `<?xml version="1.0" encoding="utf-8"?><BlockList><UncommittedBlocks>${each.join('')}</UncommittedBlocks></BlockList>`
}
