import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from '@jest/globals'
import { rangedRead } from '../../shared/core/ranged-read.ts'
import type { Digests } from '../../shared/core/work-file.ts'
import { crc64nvme } from '../../shared/domain/crc64.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'

const content = Buffer.from(Array.from({ length: 4_096 }, (_, n) => (n * 31) % 251))
const size = 30 * 2 ** 20 + 17
const all = Buffer.concat(Array.from({ length: Math.ceil(size / content.length) }, () => content)).subarray(0, size)
let server: Server | undefined

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

type Answer = (request: IncomingMessage, response: ServerResponse, part: Buffer, count: number) => void
const whole: Answer = (_request, response, part) => response.writeHead(206, { 'content-length': part.length }).end(part)

async function read(answer: Answer, signal = new AbortController().signal) {
  let count = 0
  const ranges: string[] = []
  server = createServer((request, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    ranges.push(request.headers.range ?? '')
    answer(request, response, all.subarray(Number(first), Number(last) + 1), ++count)
  })
  const listening = server
  await new Promise<void>((resolve) => void listening.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`
  let digests: Digests | undefined
  let failure: unknown
  const stream = rangedRead(
    fetch,
    { url: async () => url, bytes: size },
    {
      signal,
      sleep: async () => {},
      onRange: async () => {},
      onEnd: (found) => {
        digests = found
      },
      onError: (error) => {
        failure = error
      },
    },
  )
  const got = await new Response(stream).arrayBuffer().catch(() => undefined)
  return { got: got && Buffer.from(got), digests, failure, ranges }
}

test('ranges come back in order, whichever is answered first', async () => {
  const { got, digests, ranges } = await read((request, response, part, count) => {
    setTimeout(() => whole(request, response, part, count), count % 2 ? 60 : 0)
  })
  expect(got?.equals(all)).toBe(true)
  expect(ranges).toHaveLength(4)
  expect(digests).toMatchObject({ bytes: size, sha256: sha256Hex(all) })
})

test('connections that break are made again', async () => {
  const tries = new Map<string | undefined, number>()
  const { got } = await read((request, response, part, count) => {
    const { range } = request.headers
    tries.set(range, (tries.get(range) ?? 0) + 1)
    if (tries.get(range) === 1) return void request.socket.destroy()
    if (tries.get(range) === 2) {
      response.writeHead(206, { 'content-length': part.length })
      response.write(part.subarray(0, part.length >> 1), () => request.socket.destroy())
      return
    }
    whole(request, response, part, count)
  })
  expect(got?.equals(all)).toBe(true)
})

test.each<[string, Answer]>([
  ['refused', (_request, response) => void response.writeHead(403).end()],
  ['answered short', (_request, response, part) => void response.writeHead(206).end(part.subarray(1))],
  ['answered long', (_request, response, part) => void response.writeHead(206).end(Buffer.concat([part, part]))],
  ['answered whole', (_request, response) => void response.writeHead(200).end(all)],
])('a range that is always %s ends the stream', async (_name, answer) => {
  const { got, digests, failure } = await read(answer)
  expect([got, digests]).toEqual([undefined, undefined])
  expect(failure).toMatchObject({ code: 'peer-unavailable' })
})

test('an aborted read stops', async () => {
  const ending = new AbortController()
  const { got, failure } = await read(() => ending.abort(new Error('time is over')), ending.signal)
  expect(got).toBeUndefined()
  expect(failure).toMatchObject({ message: 'time is over' })
})

test('the CRC is that of the standard, however the bytes are cut', () => {
  const crc = (...pieces: Uint8Array[]): string => {
    const running = crc64nvme()
    for (const piece of pieces) running.update(piece)
    return running.hex()
  }
  expect(crc(Buffer.from('123456789'))).toBe('ae8b14860a799888')
  expect(crc(Buffer.alloc(4_096))).toBe('6482d367eb22b64e')
  expect(crc(Buffer.alloc(4_096, 0xff))).toBe('c0ddba7302eca3ac')
  for (const cut of [0, 1, 7, 8, 9, 1_000, content.length]) {
    expect(crc(content.subarray(0, cut), content.subarray(cut))).toBe(crc(content))
  }
})
