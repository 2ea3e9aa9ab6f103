import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findCommand } from '../../shared/process/find-command.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome']
/** Undefined where none is installed. */
export const browserPath = names.map((name) => findCommand(name, process.env.PATH)).find((path) => path !== undefined)

const reportMsMax = 120_000
const reportBytesMax = 65_536

/** A server of pages. */
export interface PageHost {
  readonly origin: string
  /** The same server under a name that is another origin. */
  readonly foreignOrigin: string
  /** Opens a page with this script in a browser of its own and resolves with what the script's default function returns. */
  run(origin: string, script: string): Promise<unknown>
  close(): void
}

export async function startPageHost(): Promise<PageHost> {
  let script = ''
  let take: (report: unknown) => void = () => undefined
  const server = createServer((request, response) => {
    if (request.url === '/report') {
      void textOf(request).then((text) => take(JSON.parse(text)))
      response.end()
    } else if (request.url === '/script.mjs') response.setHeader('content-type', 'text/javascript').end(script)
    else response.setHeader('content-type', 'text/html').end(page)
  })
  server.listen(0)
  await once(server, 'listening')
  server.unref()
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    foreignOrigin: `http://localhost:${port}`,
    run: async (origin, text) => {
      script = text
      const reported = new Promise<unknown>((resolve) => {
        take = resolve
      })
      return browse(`${origin}/`, reported)
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const page = `<!doctype html><title>page</title><script type="module">
const report = (value) => fetch('/report', { method: 'POST', body: JSON.stringify(value) })
import('/script.mjs').then((module) => module.default()).then(report, (error) => report({ error: String(error) }))
</script>`

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) if (text.length < reportBytesMax) text += String(chunk)
  return text
}

async function browse(url: string, reported: Promise<unknown>): Promise<unknown> {
  const profile = await mkdtemp(join(tmpdir(), 'catamaran-browser-'))
  const words = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`, url]
  const browser = spawn(browserPath ?? '', words, { stdio: 'ignore', detached: true })
  const ended = new Promise<void>((resolve) => {
    browser.once('exit', () => resolve())
    browser.once('error', () => resolve())
  })
  let timer: NodeJS.Timeout | undefined
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('The page in the browser told nothing')), reportMsMax)
    })
    return await Promise.race([reported, late])
  } finally {
    clearTimeout(timer)
    if (browser.pid !== undefined) process.kill(-browser.pid, 'SIGKILL')
    await ended
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}
