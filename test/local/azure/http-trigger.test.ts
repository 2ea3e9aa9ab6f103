import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, expect, jest, test } from '@jest/globals'
import { HttpTrigger } from '../../../local/azure/functions-host/http-trigger.ts'
import type { RouteMatch } from '../../../local/azure/functions-host/http-routes.ts'
import { Invoker } from '../../../local/azure/functions-host/invoke.ts'
import type { Registry } from '../../../local/azure/functions-host/registry.ts'

const open: Server[] = []
let trigger: HttpTrigger | undefined
let invocations = 0

afterEach(() => {
  jest.restoreAllMocks()
  for (const server of open.splice(0)) server.close().closeAllConnections()
  trigger?.close()
  invocations = 0
})

async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(server)
  return server
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

/** Functions that succeed: what they answer is up to the worker's endpoint. */
const registry = {
  appHookData: {},
  runHooks: async () => undefined,
  model: {
    getInvocationModel: () => ({
      getArguments: async () => ({ context: {}, inputs: [] }),
      invokeFunction: async () => void (invocations += 1),
      getResponse: async () => ({}),
    }),
  },
} as unknown as Registry
const match = {
  registered: { metadata: { name: 'http', bindings: {} }, callback: () => undefined, trigger: 'request' },
  params: {},
} as unknown as RouteMatch

/** A front end for the worker at `url`; `before` runs just before a request is handed on. */
function front(url: string, before: () => void = () => undefined): Promise<Server> {
  trigger = new HttpTrigger(new Invoker(registry, 10_000), url)
  return serve((request, response) => {
    before()
    void trigger?.handle(request, response, match)
  })
}

const logged = (): string[] => {
  const lines: string[] = []
  jest.spyOn(process.stdout, 'write').mockImplementation((line) => lines.push(String(line)) > 0)
  return lines
}

test('a connection that the worker closes while it is idle loses no request', async () => {
  const idle = new Set<Socket>()
  const worker = await serve((request, response) => {
    response.once('finish', () => idle.add(request.socket))
    request.resume().once('end', () => response.end('here'))
  })
  const url = urlOf(
    await front(urlOf(worker), () => {
      for (const socket of idle) socket.destroy()
    }),
  )
  for (let round = 0; round < 5; round += 1) {
    const answer = await fetch(url, { method: 'POST', body: 'x'.repeat(10_000) })
    expect([answer.status, await answer.text(), answer.headers.get('keep-alive')]).toEqual([
      200,
      'here',
      expect.stringMatching(/^timeout=\d+$/),
    ])
  }
  expect(idle.size).toBe(5)
})

test('a worker that hangs up is a problem with a code, and its cause is in the log', async () => {
  const worker = await serve((request) => request.socket.destroy())
  const url = urlOf(await front(urlOf(worker)))
  const lines = logged()
  const answer = await fetch(url, { method: 'POST', body: 'x' })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([500, 'application/problem+json'])
  expect(await answer.json()).toMatchObject({ code: 'internal', detail: 'The answer of the function was lost.' })
  expect(lines.join('')).toMatch(/The answer of the function was lost\. .*(ECONNRESET|socket hang up|EPIPE)/)
})

test('a worker that does not listen is a problem too, and nothing waits for the request', async () => {
  const worker = await serve(() => undefined)
  const gone = urlOf(worker)
  await new Promise((resolve) => worker.close(resolve))
  const url = urlOf(await front(gone))
  const lines = logged()
  const answer = await fetch(url, { method: 'POST', body: 'x' })
  expect([answer.status, (await answer.json()) as object]).toEqual([
    500,
    expect.objectContaining({ code: 'internal', detail: 'The function could not be reached.' }),
  ])
  expect(lines.join('')).toMatch(/ECONNREFUSED/)
  expect(invocations).toBe(0)
})
