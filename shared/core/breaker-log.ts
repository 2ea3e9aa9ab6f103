import { derivedId } from '../domain/hash.ts'
import type { JsonObject } from '../domain/json.ts'
import { keyText, type RecordKey } from '../domain/record.ts'
import type { Stamp } from '../domain/stamp.ts'
import type { PageRequest } from '../ports/page.ts'
import type { Harm } from './breaker-judge.ts'
import type { Services } from './services.ts'

/** A record that the peer was allowed to delete or overwrite, and the state of it that was lost. */
export type Passed = { key: RecordKey; stamp: Stamp }

/** Site-local, in order of time, no more than the limits of an hour allow. */
const partition = 'breaker-log'
/** Long enough for people to come back from a holiday and reject. */
const passedKeptMs = 14 * 24 * 3_600_000

export const passedId = (ms: number): string => String(Math.max(0, ms)).padStart(15, '0')

/** Kept before the states are applied, so that rejection can bring back what they took. */
export async function logPassed(services: Services, harms: readonly Harm[]): Promise<void> {
  if (harms.length === 0) return
  const nowMs = services.clock.now()
  const passed = harms.map(({ stored: { key, stamp } }): Passed => ({ key, stamp }))
  // Stamps come from the peer, which may give many records the same.
  const name = derivedId(...harms.flatMap(({ offered: { key, stamp } }) => [keyText(key), stamp]))
  const id = `${passedId(nowMs)}/${name}`
  const value = { passed } as unknown as JsonObject
  await services.siteStore.put({ partition, id, value, expiresMs: nowMs + passedKeptMs }, { kind: 'any' })
}

/** What was let through up to `untilMs`. `last` is where to go on; without `next` that was all. */
export async function listPassed(
  services: Services,
  page: PageRequest,
  untilMs: number,
): Promise<{ readonly passed: readonly Passed[]; readonly next?: string; readonly last?: string }> {
  const found = await services.siteStore.list(partition, page)
  const items = found.items.filter(({ id }) => id < passedId(untilMs))
  const next = items.length < found.items.length ? undefined : found.next
  const passed = items.flatMap(({ value }) => value['passed'] as unknown as Passed[])
  const last = items.at(-1)?.id
  return { passed, ...(next === undefined ? {} : { next }), ...(last === undefined ? {} : { last }) }
}
