import { CatamaranError } from '../domain/errors.ts'
import { derivedId } from '../domain/hash.ts'
import { canonicalJson, type JsonObject } from '../domain/json.ts'
import type { RecordState, StoredRecord } from '../domain/record.ts'
import type { Page, PageRequest } from '../ports/page.ts'
import { applyStates } from './apply.ts'
import { onRecordChanged } from './effects.ts'
import type { Services } from './services.ts'

/** Work that failed for good, kept with its cause until an operator replays it. */
export interface DeadLetter {
  readonly id: string
  readonly kind: 'offer' | 'apply' | 'effect' | 'job' | 'drop'
  readonly cause: string
  readonly payload: JsonObject
  readonly firstMs: number
  readonly lastMs: number
  readonly times: number
}

const partition = 'dead-letters'

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
    cause: letter.cause.slice(0, 2000),
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

/** Tries the work again; the letter goes away only when that could be begun. Throws `not-found`, or the fault itself. */
export async function replayDeadLetter(services: Services, id: string): Promise<void> {
  const item = await services.siteStore.get(partition, id)
  if (!item) throw new CatamaranError('not-found', 'There is no such dead letter; it may have been replayed already.')
  const letter = item.value as unknown as DeadLetter
  await beginAgain(services, letter)
  await services.siteStore.remove(partition, id, item.token)
}

async function beginAgain(services: Services, { kind, payload }: DeadLetter): Promise<void> {
  switch (kind) {
    case 'offer':
      return assertTaken(await services.peer.offer([payload['state'] as unknown as RecordState]))
    case 'apply':
      return assertTaken(await applyStates(services, [payload['state'] as unknown as RecordState]))
    case 'effect':
      return onRecordChanged(services, await storedAgain(services, payload['state'] as unknown as RecordState))
    case 'job':
    case 'drop':
      return services.jobs.send({ kind: payload['kind'] as string, payload: payload['payload'] as JsonObject })
  }
}

/** The record as it is now: what follows from a change follows from the latest state as well. */
async function storedAgain(services: Services, { key }: RecordState): Promise<StoredRecord> {
  const record = await services.records.get(key)
  if (!record) throw new CatamaranError('not-found', 'The record that this dead letter is about is gone.')
  return record
}

function assertTaken(
  outcomes: Awaited<ReturnType<typeof applyStates>> | Awaited<ReturnType<Services['peer']['offer']>>,
): void {
  const [outcome] = outcomes
  if (outcome?.kind === 'failed') throw new CatamaranError('conflict', `It failed again: ${outcome.detail}`)
}
