import type { StoredRecord } from '../domain/record.ts'
import { isPaused } from './pause.ts'
import { stateOf } from './record-history.ts'
import type { Services } from './services.ts'

/**
 * Hands one write to the peer before its client is answered. True only when the peer says that it holds it;
 * false leaves the write to the feed, which offers it in any case.
 */
export async function offerAtOnce(services: Services, record: StoredRecord): Promise<boolean> {
  try {
    if (await isPaused(services, 'outgoing')) return false
    const [outcome] = await services.peer.offer([stateOf(record)])
    return outcome?.kind === 'applied' || outcome?.kind === 'known' || outcome?.kind === 'merged'
  } catch (error) {
    services.telemetry.log('warn', 'The peer could not be asked to hold a write', {}, error)
    return false
  }
}
