/**
 * While a run is on, real time, chance and timers are out of reach: code that goes round its ports fails loudly instead of
 * making a run that cannot be repeated. Returns what puts everything back.
 */
export function poison(): () => void {
  const restores = [
    forbid(Date, 'now'),
    forbid(Math, 'random'),
    forbid(globalThis.crypto, 'randomUUID'),
    forbid(globalThis.crypto, 'getRandomValues'),
    forbid(globalThis, 'setTimeout'),
    forbid(globalThis, 'setInterval'),
    forbid(globalThis, 'fetch'),
    forbid(performance, 'now'),
    forbid(AbortSignal, 'timeout'),
  ]
  return () => {
    for (const restore of restores) restore()
  }
}

function forbid(owner: object, name: string): () => void {
  const own = Object.getOwnPropertyDescriptor(owner, name)
  const value = (): never => {
    throw new Error(`${name} was used inside a simulated run; use the port instead.`)
  }
  Object.defineProperty(owner, name, { configurable: true, writable: true, value })
  return () => {
    if (own) Object.defineProperty(owner, name, own)
    else Reflect.deleteProperty(owner, name)
  }
}
