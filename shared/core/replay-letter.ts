import { CatamaranError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import type { RecordState } from '../domain/record.ts'
import { applyStates } from './apply.ts'
import { type DeadLetter, deadLettersPartition, noSuchLetter } from './dead-letters.ts'
import { onRecordChanged } from './effects.ts'
import { assertMayOffer } from './pause.ts'
import { stateOf } from './record-history.ts'
import type { Services } from './services.ts'

/** Tries the work again; the letter goes away only when that could be begun. Throws `not-found`, or the fault itself. */
export async function replayDeadLetter(services: Services, id: string): Promise<void> {
  const item = await services.siteStore.get(deadLettersPartition, id)
  if (!item) throw noSuchLetter()
  const letter = item.value as unknown as DeadLetter
  await beginAgain(services, letter)
  await services.siteStore.remove(deadLettersPartition, id, item.token)
}

async function beginAgain(services: Services, { kind, payload }: DeadLetter): Promise<void> {
  switch (kind) {
    case 'offer': {
      await assertMayOffer(services)
      const state = payload['state'] as unknown as RecordState
      // What the record has become since has seen this state, and the peer may well take that.
      const now = await services.records.get(state.key)
      return assertTaken(await services.peer.offer([now ? stateOf(now) : state]))
    }
    case 'apply':
      return assertTaken(await applyStates(services, [payload['state'] as unknown as RecordState]))
    case 'effect': {
      // What follows from a change follows from the latest state as well; nothing follows from what is gone.
      const now = await services.records.get((payload['state'] as unknown as RecordState).key)
      return now && onRecordChanged(services, now)
    }
    case 'job':
    case 'drop':
      return services.jobs.send({ kind: payload['kind'] as string, payload: payload['payload'] as JsonObject })
  }
}

function assertTaken(
  outcomes: Awaited<ReturnType<typeof applyStates>> | Awaited<ReturnType<Services['peer']['offer']>>,
): void {
  const [outcome] = outcomes
  if (outcome?.kind !== 'failed') return
  const code = outcome.code === 'unavailable' ? 'unavailable' : 'conflict'
  throw new CatamaranError(code, `It failed again: ${outcome.detail}`)
}
