import crypto from 'node:crypto'
import dgram from 'node:dgram'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import process from 'node:process'
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'

/** All that tells the true time, draws by true chance, waits for real or reaches out, and that code under test could name. */
const forbidden: readonly (readonly [owner: object, ...names: readonly string[]])[] = [
  [Date, 'now'],
  [Math, 'random'],
  [globalThis, 'setTimeout', 'setInterval', 'setImmediate', 'fetch'],
  [globalThis.crypto, 'randomUUID', 'getRandomValues'],
  // What it hands out as getRandomValues is the one above.
  [crypto, 'randomUUID', 'randomBytes', 'randomInt', 'randomFill', 'randomFillSync'],
  [timers, 'setTimeout', 'setInterval', 'setImmediate'],
  [timersPromises, 'setTimeout', 'setInterval', 'setImmediate'],
  [timersPromises.scheduler, 'wait', 'yield'],
  [performance, 'now'],
  [process, 'hrtime', 'uptime'],
  [AbortSignal, 'timeout'],
  [net.Socket.prototype, 'connect'],
  [dgram.Socket.prototype, 'send', 'connect'],
]

/**
 * While a run is on, real time, chance, timers and sockets are out of reach: code that goes round its ports fails loudly
 * instead of making a run that cannot be repeated. Returns what puts everything back. What was imported by name is taken
 * away too, and given back.
 */
export function poison(): () => void {
  const restores = forbidden.flatMap(([owner, ...names]) => names.map((name) => replace(owner, name, refusal(name))))
  restores.push(replace(globalThis, 'Date', dateWithoutNow(Date)))
  syncBuiltinESMExports()
  return () => {
    for (const restore of restores) restore()
    syncBuiltinESMExports()
  }
}

function refusal(name: string): () => never {
  const refuse = (): never => {
    throw new Error(`${name} was used inside a simulated run; use the port instead.`)
  }
  return Object.assign(refuse, { bigint: refuse })
}

/** Dates are made of what is given; without anything given they would be made of the true time. */
function dateWithoutNow(real: DateConstructor): DateConstructor {
  const refuse = refusal('Date without arguments')
  return new Proxy(real, {
    apply: refuse,
    construct: (target, given, newTarget) =>
      given.length === 0 ? refuse() : (Reflect.construct(target, given, newTarget) as Date),
  })
}

function replace(owner: object, name: string, value: unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(owner, name)
  Object.defineProperty(owner, name, {
    configurable: true,
    writable: true,
    value,
    enumerable: own?.enumerable ?? false,
  })
  return () => {
    if (own) Object.defineProperty(owner, name, own)
    else Reflect.deleteProperty(owner, name)
  }
}
