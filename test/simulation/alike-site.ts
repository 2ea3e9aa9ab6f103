import fc from 'fast-check'
import type { SiteCondition, SiteStore } from '../../shared/ports/site-store.ts'
import { answersTo, type Play } from './alike.ts'

export type SiteCommand = {
  readonly kind: 'put' | 'get' | 'remove' | 'list' | 'next'
  readonly id: number
  readonly condition: 'any' | 'absent' | 'current' | 'stale'
  readonly descending: boolean
  /** After which id a list begins, which may or may not be there; without it at its start. */
  readonly after: number | undefined
  readonly limit: number
}

const id = fc.nat({ max: 5 })

export const siteCommands = fc.record<SiteCommand>({
  kind: fc.constantFrom('put', 'put', 'put', 'get', 'remove', 'list', 'list', 'next', 'next'),
  id,
  condition: fc.constantFrom('any', 'absent', 'current', 'stale'),
  descending: fc.boolean(),
  after: fc.option(id, { nil: undefined }),
  limit: fc.integer({ min: 1, max: 3 }),
})

/** In the order of UTF-8 bytes, which is neither that of their numbers nor that of UTF-16. */
const idOf = (n: number): string => ['b', 'a ü', '\u{1f6f6}', '\uff5e', 'a', 'ab'][n] ?? ''

export const playSite: Play<SiteStore, SiteCommand> = (store, tenant, commands) => {
  const partition = `alike/${tenant}`
  const seen = new Map<string, string[]>()
  let list = { after: undefined as string | undefined, descending: false, hasEnded: true }
  const tokenFor = (name: string, condition: SiteCommand['condition']): string | undefined =>
    condition === 'stale' ? seen.get(name)?.at(-2) : seen.get(name)?.at(-1)
  const next = async (limit: number) => {
    const { after, descending } = list
    const page = await store.list(partition, { after, limit, descending })
    list = { after: page.next, descending, hasEnded: page.next === undefined }
    return [page.items.map((item) => [item.id, item.value]), page.next]
  }
  return answersTo(commands, async (command, n) => {
    const { kind, condition, descending, after, limit } = command
    const name = idOf(command.id)
    const token = tokenFor(name, condition)
    switch (kind) {
      case 'get':
        return (await store.get(partition, name))?.value
      case 'remove':
        return store.remove(partition, name, condition === 'any' ? undefined : token)
      case 'list':
        list = { after: after === undefined ? undefined : idOf(after), descending, hasEnded: false }
        return next(limit)
      case 'next':
        return list.hasEnded ? 'at its end' : next(limit)
      case 'put': {
        const wanted: SiteCondition =
          condition === 'any' || condition === 'absent' || !token
            ? { kind: condition === 'any' ? 'any' : 'absent' }
            : { kind: 'unchanged', token }
        const isStored = await store.put({ partition, id: name, value: { n } }, wanted)
        const now = (await store.get(partition, name))?.token
        if (isStored && now) seen.set(name, [...(seen.get(name) ?? []), now])
        return isStored
      }
    }
  })
}
