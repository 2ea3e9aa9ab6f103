import type { Services } from '../../shared/core/services.ts'

export interface CrashPoint {
  /** The call to a port at which the process dies, from 1. */
  readonly call: number
  /** `after`: the call takes effect, but its caller never hears. */
  readonly when: 'before' | 'after'
}

export class ProcessDied extends Error {}

/**
 * The same site as a process that dies at one call to a port: that call and every later one throws. `hasDied` tells whether
 * it came to that.
 */
export function dying(services: Services, { call, when }: CrashPoint): { services: Services; hasDied: () => boolean } {
  let calls = 0
  const die = (): never => {
    throw new ProcessDied(`died ${when} call ${call}`)
  }
  const dyingServices = around(services, async (effect) => {
    calls++
    if (calls > call || (calls === call && when === 'before')) return die()
    const result = await effect()
    return calls >= call ? die() : result
  })
  return { services: dyingServices, hasDied: () => calls >= call }
}

/** The same site, where something happens just before the n-th call to a port takes effect, from 1. */
export function interrupted(services: Services, call: number, happens: () => Promise<void>): Services {
  let calls = 0
  return around(services, async (effect) => {
    if (++calls === call) await happens()
    return effect()
  })
}

type Effect = () => Promise<unknown>

function around(services: Services, doing: (effect: Effect) => Promise<unknown>): Services {
  const wrap = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => doing(() => Reflect.apply(member, target, args) as Promise<unknown>)
      },
    })
  return {
    ...services,
    records: wrap(services.records),
    siteStore: wrap(services.siteStore),
    objects: wrap(services.objects),
    jobs: wrap(services.jobs),
    peer: wrap(services.peer),
  }
}
