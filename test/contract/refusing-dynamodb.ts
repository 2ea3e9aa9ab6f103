import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { closeServer, listen } from '../../local/aws/process.ts'
import { Throttle } from '../../local/aws/throttle.ts'

export interface RefusingProxy {
  readonly url: string
  close(): Promise<void>
}

/** Stands in front of DynamoDB Local, which never throttles, and refuses as many requests as it is told to. */
export async function refusingProxy(target: string): Promise<RefusingProxy> {
  const throttle = new Throttle()
  const server = createServer((request, response) => {
    serve(request, response, target, throttle).catch(() => response.destroy())
  })
  const port = await listen(server, 0, 'The refusing proxy')
  return { url: `http://127.0.0.1:${port}`, close: () => closeServer(server) }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  target: string,
  throttle: Throttle,
): Promise<void> {
  if (await throttle.control(request, response)) return
  const body = await buffer(request)
  if (throttle.refuses()) return refuse(response)
  const wanted = ['authorization', 'content-type', 'x-amz-date', 'x-amz-target', 'x-amz-security-token']
  const headers = wanted.flatMap((name) => [request.headers[name]].flat().map((value) => [name, value ?? ''] as const))
  const answer = await fetch(target, {
    method: request.method ?? 'POST',
    headers: headers.filter(([, value]) => value !== '').map(([name, value]) => [name, value]),
    body: new Uint8Array(body),
  })
  const type = answer.headers.get('content-type') ?? 'application/x-amz-json-1.0'
  response.writeHead(answer.status, { 'content-type': type }).end(Buffer.from(await answer.arrayBuffer()))
}

/** As a table answers whose capacity is used up. */
function refuse(response: ServerResponse): void {
  const name = 'ProvisionedThroughputExceededException'
  const message = 'The level of configured provisioned throughput for the table was exceeded.'
  response
    .writeHead(400, { 'content-type': 'application/x-amz-json-1.0' })
    .end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message }))
}
