import type { Api } from '../tour/api.ts'
import { until } from '../tour/until.ts'

/** A whole-site operation that has ended, as the API shows it. */
export interface Operation {
  readonly state: string
  /** How often each kind of difference was found. */
  readonly found: Readonly<Record<string, number>>
  readonly examples: readonly { readonly kind: string; readonly what: string }[]
}

const operationMsMax = 600_000

/** Begins a whole-site operation and waits until it has ended. Throws Unexpected when it failed. */
export async function operate(
  api: Api,
  kind: 'backfill' | 'verify' | 'repair',
  options: { readonly deep?: boolean } = {},
): Promise<Operation> {
  const begun = await api.call('POST', `/v1/replication/${kind}`, { json: options, status: 202 })
  const location = begun.headers.get('location') ?? ''
  let seen: Operation | undefined
  const ended = async (): Promise<Operation | false> => {
    seen = await api.get<Operation>(location)
    return seen.state !== 'running' && seen
  }
  const waiting = { timeoutMs: operationMsMax, everyMs: 500, seen: () => seen }
  const operation = await until(`the ${kind} ended`, ended, waiting)
  if (operation.state !== 'done') throw new Error(`The ${kind} ended as ${operation.state}`)
  return operation
}

/** How many differences it found. */
export const differencesIn = ({ found }: Operation): number =>
  Object.values(found).reduce((sum, count) => sum + count, 0)
