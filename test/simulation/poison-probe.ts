import { getRandomValues, randomBytes, randomFill, randomFillSync, randomInt, randomUUID } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { get } from 'node:http'
import { createServer, connect, type AddressInfo } from 'node:net'
import { hrtime, uptime } from 'node:process'
import * as timers from 'node:timers'
import { scheduler, setImmediate as soon, setInterval as everyTime, setTimeout as sleep } from 'node:timers/promises'
import { poison } from './poison.ts'

/** A program of its own: tries every way out of a simulated run, by name and by import, during one and after it. */
const server = createServer((socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n')).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
const url = `http://127.0.0.1:${port}/`
const wait = (start: (done: () => void) => unknown): Promise<void> => new Promise((resolve) => void start(resolve))
const four = (): Uint8Array<ArrayBuffer> => new Uint8Array(4)

const ways: Record<string, () => unknown> = {
  'Date.now': () => Date.now(),
  'new Date()': () => new Date().getTime(),
  'Date()': () => Date(),
  'Reflect.construct(Date)': () => Reflect.construct(Date, []) as Date,
  'performance.now': () => performance.now(),
  'process.hrtime': () => process.hrtime(),
  'process.hrtime.bigint': () => process.hrtime.bigint(),
  'node:process hrtime': () => hrtime(),
  'node:process uptime': () => uptime(),
  'Math.random': () => Math.random(),
  'crypto.randomUUID': () => crypto.randomUUID(),
  'crypto.getRandomValues': () => crypto.getRandomValues(four()),
  'node:crypto randomUUID': () => randomUUID(),
  'node:crypto randomBytes': () => randomBytes(4),
  'node:crypto randomInt': () => randomInt(10),
  'node:crypto randomFill': () => wait((done) => randomFill(four(), done)),
  'node:crypto randomFillSync': () => randomFillSync(four()),
  'node:crypto getRandomValues': () => getRandomValues(four()),
  setTimeout: () => wait((done) => setTimeout(done, 1)),
  setInterval: () => clearInterval(setInterval(() => {}, 1_000)),
  setImmediate: () => wait(setImmediate),
  'node:timers setTimeout': () => wait((done) => timers.setTimeout(done, 1)),
  'node:timers setInterval': () => clearInterval(timers.setInterval(() => {}, 1_000)),
  'node:timers setImmediate': () => wait(timers.setImmediate),
  'node:timers/promises setTimeout': () => sleep(1),
  'node:timers/promises setInterval': () => everyTime(1).next(),
  'node:timers/promises setImmediate': () => soon(),
  'node:timers/promises scheduler.wait': () => scheduler.wait(1),
  'node:timers/promises scheduler.yield': () => scheduler.yield(),
  'AbortSignal.timeout': () => AbortSignal.timeout(1_000),
  fetch: () => fetch(url),
  'node:net connect': () => once(connect(port, '127.0.0.1').resume(), 'end'),
  'node:http get': () => wait((done) => get(url, done).on('error', () => {})),
  'node:dgram send': async () => {
    const socket = createSocket('udp4')
    try {
      await wait((done) => socket.send('a', port, '127.0.0.1', done))
    } finally {
      socket.close()
    }
  },
}

async function tryAll(): Promise<Record<string, string>> {
  const outcomes: Record<string, string> = {}
  for (const [name, go] of Object.entries(ways)) {
    try {
      await go()
      outcomes[name] = 'works'
    } catch (error) {
      outcomes[name] = error instanceof Error ? error.message : String(error)
    }
  }
  return outcomes
}

const restore = poison()
const isStillMade = [
  new Date(5) instanceof Date,
  new Date(5).toISOString(),
  Date.UTC(1970, 0),
  Date.parse('1970-01-01'),
]
const during = await tryAll()
restore()
const after = await tryAll()
server.close()
process.stdout.write(JSON.stringify({ during, after, isStillMade }))
process.exit(0)
