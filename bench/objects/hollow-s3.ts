import type { IncomingMessage, ServerResponse } from 'node:http'
import { objectsBucket } from './stores.ts'

/** As much of S3 as a copy needs; a part is its length, its CRC and an ETag. */
export function hollowS3(): (request: IncomingMessage, response: ServerResponse) => void {
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
