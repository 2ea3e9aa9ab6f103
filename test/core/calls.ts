import type { Services } from '../../shared/core/services.ts'

/** Notes each call to a port of a site, by its name, until the end. */
export function recordCalls({ records, siteStore, objects, jobs, peer }: Services): { end: () => string[] } {
  const calls: string[] = []
  const undo: (() => void)[] = []
  for (const [port, target] of Object.entries({ records, siteStore, objects, jobs, peer })) {
    for (const [name, member] of Object.entries(target) as [string, unknown][]) {
      if (typeof member !== 'function') continue
      const noted = (...args: unknown[]): unknown => {
        calls.push(`${port}.${name}`)
        return Reflect.apply(member, target, args)
      }
      Reflect.set(target, name, noted)
      undo.push(() => Reflect.set(target, name, member))
    }
  }
  return {
    end: () => {
      for (const each of undo) each()
      return calls
    },
  }
}
