/** The process of one function instance: loads the bundle, then handles one event at a time for its host. */
import { createRequire, enableCompileCache, flushCompileCache } from 'node:module'
import { type FunctionFailure, type InstanceMessage, type InvokeMessage, payloadBytesMax } from './function-spec.ts'

type Handler = (event: unknown, context: object) => unknown

const [bundle = '', name = '', arn = '', memory = ''] = process.argv.slice(2)
const startedMs = performance.now()

process.on('disconnect', () => process.exit())

const send = (message: InstanceMessage): void => {
  process.send?.(message)
}

const failureOf = (error: unknown): FunctionFailure => {
  const { name: errorType, message, stack } = (typeof error === 'object' ? (error ?? {}) : {}) as Partial<Error>
  return {
    errorType: errorType ?? typeof error,
    errorMessage: message ?? String(error),
    trace: stack?.split('\n') ?? [],
  }
}

const contextOf = ({ requestId, deadlineMs }: InvokeMessage): object => ({
  callbackWaitsForEmptyEventLoop: true,
  functionName: name,
  functionVersion: '$LATEST',
  invokedFunctionArn: arn,
  memoryLimitInMB: memory,
  awsRequestId: requestId,
  logGroupName: `/aws/lambda/${name}`,
  logStreamName: `local/[$LATEST]${process.pid}`,
  getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
})

async function handle(handler: Handler, message: InvokeMessage): Promise<void> {
  const { requestId } = message
  try {
    const result = await handler(JSON.parse(message.event), contextOf(message))
    const payload = JSON.stringify(result) ?? 'null'
    const bytes = Buffer.byteLength(payload)
    if (bytes > payloadBytesMax) {
      const errorMessage = `Response payload size (${bytes} bytes) exceeded maximum allowed payload size (${payloadBytesMax} bytes).`
      send({ kind: 'failed', requestId, error: { errorType: 'Function.ResponseSizeTooLarge', errorMessage } })
    } else send({ kind: 'done', requestId, payload })
  } catch (error) {
    send({ kind: 'failed', requestId, error: failureOf(error) })
  }
}

// Instances come and go: the compiled code of a bundle is kept for the next one, and kept now, since instances are killed.
enableCompileCache()

try {
  const loaded = createRequire(bundle)(bundle) as { handler?: unknown }
  if (typeof loaded.handler !== 'function') throw new Error(`${bundle} exports no handler`)
  const handler = loaded.handler as Handler
  process.on('message', (message: InvokeMessage) => void handle(handler, message))
  send({ kind: 'ready', initMs: Math.round(performance.now() - startedMs) })
  flushCompileCache()
} catch (error) {
  send({ kind: 'initFailed', error: failureOf(error) })
}
