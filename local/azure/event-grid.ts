import { Agent, createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { BlobServiceClient } from '@azure/storage-blob'
import { QueueServiceClient } from '@azure/storage-queue'
import { listen } from './cosmos/server.ts'
import { storageConnectionString } from './endpoints.ts'
import {
  type BlobChange,
  type BlobFacts,
  blobChange,
  eventTypeOf,
  storageEvent,
  subscribed,
} from './event-grid-events.ts'
import { Journal } from './event-grid-journal.ts'
import type { EventSubscription } from './stores.ts'

export interface EventGridOptions {
  /** Where intents are kept. */
  readonly folder: string
  /** The port to listen on; 0 takes a free one. */
  readonly port: number
  /** Azurite's own ports. */
  readonly blobPort: number
  readonly queuePort: number
  readonly subscriptions: readonly EventSubscription[]
}

const retryMsMin = 200
const retryMsMax = 10_000

/**
 * A proxy in front of the blob service that changes nothing on its way and sends Event Grid's storage events to
 * Storage queues, at least once each: the intent is on disk before the request goes on, and stays until the event is
 * queued. Batch requests (`comp=batch`) raise no events here.
 */
export class EventGridProxy {
  readonly #options: EventGridOptions
  readonly #journal: Journal
  readonly #agent = new Agent({ keepAlive: true })
  readonly #queues: QueueServiceClient
  readonly #blobs: BlobServiceClient
  readonly #server = createServer({ requestTimeout: 0 }, (request, response) => {
    this.#forward(request, response).catch(() => response.destroy())
  })
  #stopped = false

  constructor(options: EventGridOptions) {
    this.#options = options
    this.#journal = new Journal(options.folder)
    const connection = storageConnectionString(options.blobPort, options.queuePort)
    this.#queues = QueueServiceClient.fromConnectionString(connection, { retryOptions: { maxTries: 1 } })
    this.#blobs = BlobServiceClient.fromConnectionString(connection, { retryOptions: { maxTries: 2 } })
  }

  /** Listens, and sends again what a former process had not finished. Returns the port. */
  async start(): Promise<number> {
    const left = await this.#journal.open()
    const port = await listen(this.#server, this.#options.port)
    for (const [id, change] of left) void this.#recover(id, change)
    return port
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#agent.destroy()
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET'
    const path = request.url ?? '/'
    const change = blobChange(method, path, request.headers)
    const wanted = change && this.#options.subscriptions.some((one) => subscribed(one, change)) ? change : undefined
    const intent = wanted === undefined ? undefined : await this.#journal.write(wanted)
    const upstream = httpRequest({
      host: '127.0.0.1',
      port: this.#options.blobPort,
      method,
      path,
      headers: request.rawHeaders,
      agent: this.#agent,
    })
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      upstream.once('response', resolve)
      upstream.once('error', reject)
    })
    // An early refusal ends the upload half-way; the answer is what matters then.
    const sent = pipeline(request, upstream).catch(() => undefined)
    response.once('close', () => upstream.destroy())
    const answer = await answered.catch(() => undefined)
    if (answer === undefined) {
      // Whether the change was made is not known: the intent stays and is looked at again.
      if (intent !== undefined && wanted !== undefined) void this.#recover(intent, wanted)
      if (!response.headersSent) response.writeHead(503, { 'content-length': '0', 'retry-after': '1' })
      response.end()
      return
    }
    const status = answer.statusCode ?? 500
    const finish = async (): Promise<void> => {
      if (intent === undefined || wanted === undefined) return
      if (status >= 300) await this.#journal.clear(intent)
      else void this.#publish(intent, wanted, String(answer.headers['x-ms-request-id'] ?? ''))
    }
    await finish()
    response.writeHead(status, answer.statusMessage, answer.rawHeaders)
    await pipeline(answer, response).catch(() => undefined)
    await sent
  }

  /** The blob's own state says whether an intent of a dead process came true. */
  async #recover(id: string, change: BlobChange): Promise<void> {
    for (let waitMs = retryMsMin; !this.#stopped; waitMs = Math.min(waitMs * 2, retryMsMax)) {
      const exists = await this.#blobs
        .getContainerClient(change.container)
        .getBlobClient(change.blob)
        .exists()
        .catch(() => undefined)
      if (exists === undefined) {
        await sleep(waitMs)
        continue
      }
      if (exists === (change.api !== 'DeleteBlob')) await this.#publish(id, change, '')
      else await this.#journal.clear(id)
      return
    }
  }

  async #publish(id: string, change: BlobChange, requestId: string): Promise<void> {
    for (let waitMs = retryMsMin; !this.#stopped; waitMs = Math.min(waitMs * 2, retryMsMax)) {
      try {
        const event = storageEvent(change, await this.#facts(change, requestId))
        const text = Buffer.from(JSON.stringify(event)).toString('base64')
        for (const subscription of this.#options.subscriptions) {
          if (subscribed(subscription, change)) await this.#queues.getQueueClient(subscription.queue).sendMessage(text)
        }
        await this.#journal.clear(id)
        return
      } catch (error) {
        const text = `event ${eventTypeOf(change)} for ${change.blob} waits: ${String((error as { code?: string }).code ?? error)}`
        process.stderr.write(`${JSON.stringify({ level: 'warn', source: 'event-grid', text })}\n`)
        await sleep(waitMs)
      }
    }
  }

  /** As the blob is now; one that is gone again is described with what is left to say. */
  async #facts(change: BlobChange, requestId: string): Promise<BlobFacts> {
    const blob = this.#blobs.getContainerClient(change.container).getBlobClient(change.blob)
    const url = blob.url.replace(`:${this.#options.blobPort}/`, `:${this.port}/`)
    const gone = {
      etag: '',
      contentType: 'application/octet-stream',
      contentLength: 0,
      blobType: 'BlockBlob',
      url,
      requestId,
    }
    if (change.api === 'DeleteBlob') return gone
    try {
      const found = await blob.getProperties()
      return {
        ...gone,
        etag: found.etag ?? '',
        contentType: found.contentType ?? gone.contentType,
        contentLength: found.contentLength ?? 0,
        blobType: found.blobType ?? gone.blobType,
      }
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode === 404) return gone
      throw error
    }
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : this.#options.port
  }
}
