import { isCatamaranError, isTransient } from '../domain/errors.ts'
import { keyText, type RecordState } from '../domain/record.ts'
import type { OfferOutcome } from '../ports/peer.ts'
import type { Services } from './services.ts'

/** What `run` says became of one state of the peer; a failure is an outcome as well, so that it holds up no other state. */
export async function withOutcome(
  services: Services,
  offered: RecordState,
  run: () => Promise<OfferOutcome>,
): Promise<OfferOutcome> {
  try {
    return await run()
  } catch (error) {
    services.telemetry.log('error', 'A state from the peer could not be applied', { key: keyText(offered.key) }, error)
    const code = isCatamaranError(error) && !isTransient(error) ? error.code : 'unavailable'
    return { kind: 'failed', code, detail: error instanceof Error ? error.message : String(error) }
  }
}
