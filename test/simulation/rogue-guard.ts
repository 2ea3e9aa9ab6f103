import { keyText, type RecordKey, type StoredRecord } from '../../shared/domain/record.ts'
import type { SimSite } from './site.ts'
import type { World } from './world.ts'

export const preciousText = 'precious'
export const isPrecious = (record: StoredRecord | undefined): boolean => record?.body?.['text'] === preciousText

interface Guarded {
  readonly honest: SimSite
  readonly keys: readonly RecordKey[]
}

interface Loss {
  readonly tenant: string
  readonly atMs: number
}

const lookMs = 60_000
/** Looked at once a minute, and applied some time after it was counted. */
const windowMs = 50 * 60_000
const tenantMax = 50
const everythingMax = 200

/** Notes when a record is lost at the honest site. */
export function startGuard({ scheduler }: World, { honest, keys }: Guarded): { broken: () => string[] } {
  const losses: Loss[] = []
  const gone = new Set<string>()
  const look = (): void => {
    for (const key of keys) {
      const id = keyText(key)
      if (isPrecious(honest.latestOf(key))) gone.delete(id)
      else if (!gone.has(id)) {
        gone.add(id)
        losses.push({ tenant: key.tenant, atMs: honest.now() })
      }
    }
    scheduler.at(scheduler.now() + lookMs, 'guard', look)
  }
  look()
  return { broken: () => tooMany(losses) }
}

/** At most the limit within any hour. */
function tooMany(losses: readonly Loss[]): string[] {
  return losses.flatMap(({ atMs, tenant }) => {
    const within = losses.filter((loss) => loss.atMs >= atMs && loss.atMs < atMs + windowMs)
    const own = within.filter((loss) => loss.tenant === tenant)
    return [
      ...(own.length > tenantMax ? [`breaker: ${own.length} records of ${tenant} were lost within an hour`] : []),
      ...(within.length > everythingMax ? [`breaker: ${within.length} records were lost within an hour`] : []),
    ].slice(0, 1)
  })
}
