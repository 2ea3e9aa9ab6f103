import { afterEach, describe, expect, test } from '@jest/globals'
import { isCatamaranError, isTransient } from '../../shared/domain/errors.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'
import type { SiteStore } from '../../shared/ports/site-store.ts'
import { facts, freshTenant, state } from './fixtures.ts'

export interface ThrottleContext {
  /** Makes the store refuse the next requests for want of capacity. */
  readonly refuseNext: (count: number) => Promise<void>
  /** A write that succeeds when it is let through, by what it is called. */
  readonly writes: Readonly<Record<string, () => Promise<unknown>>>
}

/** More than any client library tries. */
const lasting = 1_000

/** A `refuseNext` by the control endpoint that the local servers have beside their protocol. */
export const throttleAt =
  (url: string) =>
  async (next: number): Promise<void> => {
    const response = await fetch(`${url}/_local/throttle`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ next }),
    })
    if (!response.ok) throw new Error(`The store at ${url} cannot be throttled: ${response.status}`)
  }

let made = 1

/** The writes of records and site items, each of a key of its own. */
export function recordWrites(stores: {
  readonly records: RecordStore
  readonly siteStore: SiteStore
}): ThrottleContext['writes'] {
  const key = () => ({ tenant: freshTenant(), collection: 'c', id: `throttled-${made++}` })
  return {
    'a record': () => stores.records.put(state(key(), {}), { kind: 'absent' }, facts()),
    'records at once': () =>
      stores.records.putMany([{ state: state(key(), {}), condition: { kind: 'absent' }, facts: facts() }]),
    'a site item': () => stores.siteStore.put({ partition: 'throttled', id: 'i', value: {} }, { kind: 'any' }),
  }
}

export const recordWriteNames = ['a record', 'records at once', 'a site item'] as const

/** What every adapter makes of a store that is short of capacity: rides out a moment, and says `throttled` of more. */
export function throttleSuite(name: string, writes: readonly string[], contextOf: () => ThrottleContext): void {
  const write = (label: string): Promise<unknown> => {
    const act = contextOf().writes[label]
    return act ? act() : Promise.reject(new Error(`no write called ${label}`))
  }

  describe(`${name}: throttled`, () => {
    afterEach(() => contextOf().refuseNext(0))

    test.each(writes)('%s rides out a refusal', async (label) => {
      await contextOf().refuseNext(1)
      await write(label)
    })

    test.each(writes)('%s says so when it lasts, and goes on when it is over', async (label) => {
      await contextOf().refuseNext(lasting)
      const error: unknown = await write(label).catch((fault: unknown) => fault)
      expect(isCatamaranError(error) && isTransient(error)).toBe(true)
      expect(error).toMatchObject({ code: 'throttled' })
      await contextOf().refuseNext(0)
      await write(label)
    })
  })
}
