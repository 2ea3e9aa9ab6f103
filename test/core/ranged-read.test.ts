import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getEventListeners } from 'node:events'
import { afterEach, describe, expect, test } from '@jest/globals'
import { fetchRange } from '../../shared/adapters/range-fetch.ts'
import { readRange } from '../../shared/core/ranged-read.ts'
import type { RangeFetch } from '../../shared/core/work-tools.ts'

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

async function readBy(client: RangeFetch, answer: Answer, signal = new AbortController().signal) {
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
  const target = Buffer.alloc(size)
  const failure: unknown = await readRange(client, {
    url: async () => url,
    first: 0,
    target,
    signal,
    sleep: async () => {},
  }).catch((error: unknown) => error)
  return { got: failure ? undefined : target, failure, ranges }
}

describe.each<[string, RangeFetch]>([
  ['the platform', fetch],
  ['a client of node', fetchRange],
])('by %s', (_, client) => {
  test('ranges come to their places, whichever is answered first', async () => {
    const { got, ranges } = await readBy(client, (request, response, part, count) => {
      setTimeout(() => whole(request, response, part, count), count % 2 ? 60 : 0)
    })
    expect(got?.equals(all)).toBe(true)
    expect(ranges).toHaveLength(8)
  })

  test('connections that break are made again', async () => {
    const tries = new Map<string | undefined, number>()
    const { got } = await readBy(client, (request, response, part, count) => {
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
  ])('a range that is always %s ends the read', async (_name, answer) => {
    const { got, failure } = await readBy(client, answer)
    expect(got).toBeUndefined()
    expect(failure).toMatchObject({ code: 'peer-unavailable' })
  })

  test('an aborted read stops', async () => {
    const ending = new AbortController()
    const { got, failure } = await readBy(client, () => ending.abort(new Error('time is over')), ending.signal)
    expect(got).toBeUndefined()
    expect(failure).toMatchObject({ message: 'time is over' })
  })
})

test('a client of node keeps its connections, and leaves nothing behind at the signal', async () => {
  const { signal } = new AbortController()
  const sockets = new Set<unknown>()
  const { got } = await readBy(
    fetchRange,
    (request, response, part, count) => {
      sockets.add(request.socket)
      whole(request, response, part, count)
    },
    signal,
  )
  expect(got?.equals(all)).toBe(true)
  expect(sockets.size).toBeLessThanOrEqual(4)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
