import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(import.meta.url)

const source = `
const { app } = require(${JSON.stringify(require.resolve('@azure/functions'))})
const { appendFileSync, existsSync } = require('node:fs')
const say = (entry) => appendFileSync(process.env.JOURNAL, JSON.stringify(entry) + '\\n')
app.setup({ enableHttpStream: true })
app.http('echo', { route: 'echo', methods: ['POST'], handler: (request) => ({ body: request.body }) })
app.http('item', { route: 'items/{id:int}', methods: ['GET'], handler: (request) => ({ jsonBody: request.params }) })
app.http('boom', { route: 'boom', methods: ['GET'], handler: () => { throw new Error('boom') } })
app.http('hang', { route: 'hang', methods: ['GET'], handler: () => new Promise(() => {}) })
app.http('rest', {
  route: '{*path}',
  methods: ['GET', 'HEAD', 'PUT'],
  handler: (request) => ({
    status: 201,
    headers: { 'x-method': request.method, etag: '"1"' },
    cookies: [{ name: 'a', value: 'b' }],
    jsonBody: { path: request.params.path, url: request.url, q: request.query.get('q'), h: request.headers.get('x-h') },
  }),
})
app.storageQueue('job', {
  connection: 'STORAGE',
  queueName: '%JOBS%',
  handler: (message, context) => {
    say({ job: message, count: context.triggerMetadata.dequeueCount })
    if (message.fail) throw new Error('no')
  },
})
app.cosmosDB('feed', {
  connection: 'COSMOS',
  databaseName: '%COSMOS_DATABASE%',
  containerName: 'records',
  leaseContainerPrefix: 'a-',
  startFromBeginning: true,
  maxItemsPerInvocation: 2,
  feedPollDelay: 50,
  retry: { strategy: 'fixedDelay', maxRetryCount: -1, delayInterval: 1000 },
  handler: (documents, context) => {
    const ids = documents.map(({ id }) => id)
    const failing = existsSync(process.env.JOURNAL + '.fail') && ids.includes('d3')
    say({ feed: ids, retry: context.retryContext.retryCount, failing })
    if (failing) throw new Error('not now')
  },
})
app.cosmosDB('careless', {
  connection: 'COSMOS',
  databaseName: '%COSMOS_DATABASE%',
  containerName: 'records',
  leaseContainerPrefix: 'b-',
  startFromBeginning: true,
  maxItemsPerInvocation: 1,
  feedPollDelay: 50,
  handler: (documents) => {
    say({ careless: documents.map(({ id }) => id) })
    throw new Error('always')
  },
})
app.timer('timer-sweep', { schedule: '0 * * * * *', handler: (timer) => say({ timer: 'sweep', isPastDue: timer.isPastDue }) })
app.timer('timer-start', { schedule: '01:00:00', runOnStartup: true, handler: () => say({ timer: 'start' }) })
`

/** A Functions app that tells what it was called with, line by line, in the file that JOURNAL names. */
export async function makeApp(folder: string, functionTimeout: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'index.cjs'), source)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ main: 'index.cjs' }))
  const queues = { batchSize: 4, maxDequeueCount: 3, messageEncoding: 'base64', visibilityTimeout: '00:00:00' }
  const host = { version: '2.0', functionTimeout, extensions: { http: { routePrefix: '' }, queues } }
  await writeFile(join(folder, 'host.json'), JSON.stringify(host))
}
