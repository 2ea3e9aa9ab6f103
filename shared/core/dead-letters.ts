import { CatamaranError } from '../domain/errors.ts'
import { derivedId } from '../domain/hash.ts'
import { canonicalJson, type JsonObject } from '../domain/json.ts'
import type { Page, PageRequest } from '../ports/page.ts'
import type { SiteItem } from '../ports/site-store.ts'
import type { Services } from './services.ts'

export const deadLetterKinds = ['offer', 'apply', 'effect', 'job', 'drop'] as const

/** Work that failed for good, kept with its cause until an operator replays it. */
export interface DeadLetter {
  readonly id: string
  readonly kind: (typeof deadLetterKinds)[number]
  readonly cause: string
  readonly payload: JsonObject
  readonly firstMs: number
  readonly lastMs: number
  readonly times: number
}

const causeCharsMax = 2000
export const deadLettersPartition = 'dead-letters'
const partition = deadLettersPartition

/** The same work filed twice is one dead letter. */
export async function fileDeadLetter(
  services: Services,
  letter: Pick<DeadLetter, 'kind' | 'cause' | 'payload'>,
): Promise<void> {
  const id = derivedId(letter.kind, canonicalJson(letter.payload))
  const known = await services.siteStore.get(partition, id)
  const nowMs = services.clock.now()
  const value = {
    ...letter,
    cause: letter.cause.slice(0, causeCharsMax),
    firstMs: known?.value['firstMs'] ?? nowMs,
    lastMs: nowMs,
    times: Number(known?.value['times'] ?? 0) + 1,
  }
  await services.siteStore.put({ partition, id, value }, { kind: 'any' })
  services.telemetry.log('error', `Filed a dead letter: ${letter.cause}`, { kind: letter.kind, id })
  services.telemetry.metric('deadLetters', 1, { kind: letter.kind })
}

export async function listDeadLetters(services: Services, page: PageRequest): Promise<Page<DeadLetter>> {
  const found = await services.siteStore.list(partition, page)
  const items = found.items.map((item) => ({ id: item.id, ...item.value }) as unknown as DeadLetter)
  return found.next === undefined ? { items } : { items, next: found.next }
}

/** Throws `not-found`. */
export async function getDeadLetter(services: Services, id: string): Promise<DeadLetter> {
  const item = await services.siteStore.get(partition, id)
  if (!item) throw noSuchLetter()
  return { id, ...item.value } as unknown as DeadLetter
}

export const noSuchLetter = (): CatamaranError =>
  new CatamaranError('not-found', 'There is no such dead letter; it may have been replayed already.')

/** The letter stays, with the cause as it is now. Nothing happens when it has changed or gone meanwhile. */
export async function noteFailedReplay(
  services: Services,
  { id, value, token }: SiteItem,
  cause: string,
): Promise<void> {
  const times = Number(value['times'] ?? 0) + 1
  const again = { ...value, cause: cause.slice(0, causeCharsMax), lastMs: services.clock.now(), times }
  await services.siteStore.put({ partition, id, value: again }, { kind: 'unchanged', token })
}
