import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import type { Page } from '../../shared/ports/page.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'
import type { Vector } from '../../shared/replication/vector.ts'
import type { SiteStore } from '../../shared/ports/site-store.ts'
import { memoryClock, memoryRandom } from '../memory/clock.ts'
import { memoryObjectStore } from '../memory/object-store.ts'
import { memoryRecordStore } from '../memory/record-store.ts'
import { memorySiteStore } from '../memory/site-store.ts'
import { areToldApart, sequencesOf } from './alike.ts'
import { eventCommands, fakeEvents, playEvents } from './alike-events.ts'
import { objectCommands, playObjects, type ReadableStore } from './alike-objects.ts'
import { playRecords, recordCommands } from './alike-records.ts'
import { alikeSeed } from './alike-seed.ts'
import { playSite, siteCommands } from './alike-site.ts'

/** What the commands that are played against servers would not let pass: stores with one mistake each, beside ones without. */
const withoutLast = <Item>(page: Page<Item>): Page<Item> =>
  page.next === undefined ? { items: page.items.slice(0, -1) } : page
/** Goes on from before what it gave last, where there is one before. */
const overlapping = <Item>(page: Page<Item>, cursorOf: (item: Item) => string): Page<Item> => {
  const before = page.items.at(-2)
  return page.next !== undefined && before ? { ...page, next: cursorOf(before) } : page
}

describe('a record store', () => {
  const mistakes: [string, (store: RecordStore) => Partial<RecordStore>][] = [
    [
      'stops storing many at the first that is refused',
      (store) => ({
        putMany: async (writes) => {
          const outcomes = await store.putMany(writes.slice(0, 1))
          const rest = outcomes[0]?.kind === 'refused' ? [] : await store.putMany(writes.slice(1))
          return writes.map((_, at) => [...outcomes, ...rest][at] ?? { kind: 'changed' })
        },
      }),
    ],
    [
      'stores many whatever was there',
      (store) => ({
        putMany: async (writes) => {
          const now = await store.getMany(writes.map(({ state: { key } }) => key))
          const condition = (at: number) => {
            const token = now[at]?.token
            return token === undefined ? ({ kind: 'absent' } as const) : ({ kind: 'unchanged', token } as const)
          }
          return store.putMany(writes.map((write, at) => ({ ...write, condition: condition(at) })))
        },
      }),
    ],
    [
      'leaves out the last of some buckets',
      (store) => ({ scanBuckets: async (...asked) => withoutLast(await store.scanBuckets(...asked)) }),
    ],
    [
      'reads one bucket too few',
      (store) => ({
        scanBuckets: ({ first, last }, page) => store.scanBuckets({ first, last: Math.max(first, last - 1) }, page),
      }),
    ],
    [
      'keeps the vectors of a bucket as they were first',
      (store) => {
        const first = new Map<string, Vector>()
        return {
          scanBuckets: async (...asked) => {
            const page = await store.scanBuckets(...asked)
            const items = page.items.map((item) => {
              const name = JSON.stringify(item.key)
              const vector = first.get(name) ?? item.vector
              first.set(name, vector)
              return { ...item, vector }
            })
            return { ...page, items }
          },
        }
      },
    ],
    [
      'lists arrivals of a moment only after it',
      (store) => ({
        arrivals: (tenant, shard, page) =>
          store.arrivals(tenant, shard, {
            ...page,
            after: page.after?.includes('/') === false ? `${page.after}~` : page.after,
          }),
      }),
    ],
    [
      'forgets the last arrival',
      (store) => ({ arrivals: async (...asked) => withoutLast(await store.arrivals(...asked)) }),
    ],
    [
      'goes on with its partitions from too early',
      (store) => ({ query: async (...asked) => overlapping(await store.query(...asked), ({ key }) => key.id) }),
    ],
    [
      'says that a page is the last',
      (store) => ({ query: async (...asked) => ({ items: (await store.query(...asked)).items }) }),
    ],
  ]

  test.each(mistakes)('that %s is told apart', async (_, wrongly) => {
    const store = memoryRecordStore()
    const one = memoryRecordStore()
    expect(await areToldApart(one, { ...store, ...wrongly(store) }, sequencesOf(recordCommands), playRecords)).toBe(
      true,
    )
  })

  test('without a mistake is not', async () => {
    const [one, other] = [memoryRecordStore(), memoryRecordStore()]
    expect(await areToldApart(one, other, sequencesOf(recordCommands), playRecords, 20)).toBe(false)
  })
})

describe('a site store', () => {
  const mistakes: [string, (store: SiteStore) => Partial<SiteStore>][] = [
    [
      'does not look where a list begins',
      (store) => ({ list: (partition, page) => store.list(partition, { ...page, after: undefined }) }),
    ],
    [
      'goes on in the other direction',
      (store) => ({
        list: (partition, page) =>
          store.list(partition, page.after === undefined ? page : { ...page, descending: false }),
      }),
    ],
    [
      'goes on from too early',
      (store) => ({ list: async (...asked) => overlapping(await store.list(...asked), ({ id }) => id) }),
    ],
  ]

  test.each(mistakes)('that %s is told apart', async (_, wrongly) => {
    const clock = memoryClock()
    const [one, store] = [memorySiteStore({ clock }), memorySiteStore({ clock })]
    expect(await areToldApart(one, { ...store, ...wrongly(store) }, sequencesOf(siteCommands), playSite)).toBe(true)
  })
})

describe('an object store', () => {
  const made = (): ReadableStore => {
    const store = memoryObjectStore({ clock: memoryClock(Date.now()), random: memoryRandom() })
    return { store, send: (url, init) => store.fetch(url, init) }
  }
  const mistakes: [string, (store: ObjectStore) => Partial<ObjectStore>][] = [
    [
      'goes on from too early',
      (store) => ({ list: async (...asked) => overlapping(await store.list(...asked), ({ key }) => key) }),
    ],
    [
      'signs for another object',
      (store) => ({ presign: (key, options) => store.presign(key.replace(/\d$/, '0'), options) }),
    ],
    [
      'signs no type',
      (store) => ({ presign: (key, { responseType: _type, ...options }) => store.presign(key, options) }),
    ],
    [
      'signs no name of a file',
      (store) => ({ presign: (key, { responseDisposition: _name, ...options }) => store.presign(key, options) }),
    ],
    [
      'signs nothing of caches',
      (store) => ({ presign: (key, { responseCacheControl: _caching, ...options }) => store.presign(key, options) }),
    ],
  ]

  test.each(mistakes)('that %s is told apart', async (_, wrongly) => {
    const [one, other] = [made(), made()]
    const wrong = { ...other, store: { ...other.store, ...wrongly(other.store) } }
    expect(await areToldApart(one, wrong, sequencesOf(objectCommands), playObjects)).toBe(true)
  })

  test('whose signed URLs give all of the bytes, whatever range was asked for, is told apart', async () => {
    const [one, other] = [made(), made()]
    const send: ReadableStore['send'] = (url, { method }) => other.send(url, { method, headers: {} })
    expect(await areToldApart(one, { ...other, send }, sequencesOf(objectCommands), playObjects)).toBe(true)
  })
})

describe('object events', () => {
  const mistakes: [string, Parameters<typeof fakeEvents>[1]][] = [
    ['tell nothing of what is gone', (tell) => (event) => event.change === 'created' && tell(event)],
    [
      'tell nothing of what is overwritten',
      (tell) => {
        const known = new Set<string>()
        return (event) => {
          if (event.change === 'removed' || !known.has(event.key)) tell(event)
          known[event.change === 'removed' ? 'delete' : 'add'](event.key)
        }
      },
    ],
    [
      'tell of other areas as well',
      (tell) => (event) => tell({ ...event, key: event.key.replace(/^uploads/, 'drop') }),
    ],
    ['tell twice', (tell) => (event) => [event, event].forEach(tell)],
    ['tell of no bytes', (tell) => (event) => tell({ ...event, bytes: 0 })],
  ]

  test.each(mistakes)('that %s are told apart', async (_, wrongly) => {
    const plans = fc.sample(fc.array(eventCommands, { minLength: 14 }), { numRuns: 20, seed: alikeSeed })
    const played = await Promise.all(
      plans.map(async (commands) => {
        const [right, wrong] = [fakeEvents('aws'), fakeEvents('aws', wrongly)]
        return (
          JSON.stringify(await playEvents(right, 't', commands)) !==
          JSON.stringify(await playEvents(wrong, 't', commands))
        )
      }),
    )
    expect(played).toContain(true)
  })
})
