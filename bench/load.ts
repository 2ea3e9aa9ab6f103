import { Agent, request } from 'node:http'
import { quantile } from './figures.ts'

export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly content?: string
}

export interface Load {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface LoadOptions {
  readonly concurrency: number
  readonly durationMs: number
  /** Requests before the clock starts, so that connections and code are warm. */
  readonly warmUp: number
  readonly next: () => HttpRequest
  /** Any other status ends the run. */
  readonly status: number
  /** So does an answer without this value of `Preference-Applied`. */
  readonly applied?: string
}

/** Sends requests one after the other on each of `concurrency` connections. Throws at the first answer of another status. */
export async function measureLoad(options: LoadOptions): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.concurrency })
  try {
    for (let sent = 0; sent < options.warmUp; sent++) await sendOne(agent, options)
    const tookMs: number[] = []
    const began = performance.now()
    const worker = async (): Promise<void> => {
      while (performance.now() - began < options.durationMs) {
        const sentMs = performance.now()
        await sendOne(agent, options)
        tookMs.push(performance.now() - sentMs)
      }
    }
    await Promise.all(Array.from({ length: options.concurrency }, worker))
    const seconds = (performance.now() - began) / 1000
    return { perSecond: tookMs.length / seconds, p50Ms: quantile(tookMs, 0.5), p99Ms: quantile(tookMs, 0.99) }
  } finally {
    agent.destroy()
  }
}

function sendOne(agent: Agent, { next, status, applied }: LoadOptions): Promise<void> {
  const { method, url, headers, content } = next()
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => {
        const isApplied = applied === undefined || response.headers['preference-applied'] === applied
        if (response.statusCode === status && isApplied) resolve()
        else reject(new Error(`${method} ${url}: ${response.statusCode} ${text.slice(0, 400)}`))
      })
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(content)
  })
}
