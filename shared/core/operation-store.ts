import { CatamaranError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import type { Page, PageRequest } from '../ports/page.ts'
import type { SiteItem } from '../ports/site-store.ts'
import { phasesOf, type Operation, type OperationOptions } from './operation.ts'
import type { Services } from './services.ts'

/**
 * The running operation is one item, so that there can only be one; it is replaced, step by step, by compare-and-swap. What
 * ended is kept apart for a time.
 *
 *   (absent) --start--> running --+--> done | failed | cancelled --archive--> (absent)
 */
const currentPartition = 'operation'
const currentId = 'current'
const endedPartition = 'operations'
const keptMs = 90 * 24 * 3_600_000
const swapTriesMax = 5
/** How many past operations a request is compared with. */
const recentMax = 20
/** A message that has not come after this is sent again. */
const overdueMs = 30_000

const operationOf = (item: SiteItem): Operation => item.value as unknown as Operation
const putOf = (operation: Operation) => ({
  partition: currentPartition,
  id: currentId,
  value: operation as unknown as JsonObject,
})

const readCurrent = (services: Services): Promise<SiteItem | undefined> =>
  services.siteStore.get(currentPartition, currentId)

export type OperationRequest = OperationOptions & Pick<Operation, 'kind' | 'request'>

/** Begins an operation; the same `request` begins one, once. Throws `conflict` while another one runs. */
export async function startOperation(services: Services, request: OperationRequest): Promise<Operation> {
  for (let attempt = 0; attempt < swapTriesMax; attempt++) {
    const { items } = await listOperations(services, { limit: recentMax })
    const known = items.find((each) => each.request !== undefined && each.request === request.request)
    if (known) return known
    const present = await readCurrent(services)
    if (present && !(await archiveEnded(services, present))) {
      const { kind: running, id: other } = operationOf(present)
      throw new CatamaranError('conflict', `The ${running} ${other} is running; only one operation runs at a time.`)
    }
    const operation = begin(services, request)
    if (!(await services.siteStore.put(putOf(operation), { kind: 'absent' }))) continue
    await sendOperation(services, operation.id)
    return operation
  }
  throw new CatamaranError('unavailable', 'Several operations are being begun at once.')
}

function begin(services: Services, request: OperationRequest): Operation {
  const nowMs = services.clock.now()
  const [phase] = phasesOf[request.kind][0] ?? ['records']
  return {
    ...request,
    // In order of time, so that the newest are listed first.
    id: `${nowMs.toString(16).padStart(12, '0')}${Buffer.from(services.random.bytes(4)).toString('hex')}`,
    site: services.site,
    state: 'running',
    startedMs: nowMs,
    updatedMs: nowMs,
    phase,
    phaseStartedMs: nowMs,
    position: { at: 0 },
    fraction: 0,
    suspects: [],
    counters: {},
    found: {},
    examples: [],
    leaseUntilMs: nowMs + overdueMs,
    failures: 0,
  }
}

export const sendOperation = (services: Services, operation: string, delayMs = 0): Promise<void> =>
  services.jobs.send({ kind: 'operate', payload: { operation } }, delayMs > 0 ? { delayMs } : {})

/** Throws `not-found`. */
export async function readOperation(services: Services, id: string): Promise<Operation> {
  const current = await readCurrent(services)
  if (current && operationOf(current).id === id) return operationOf(current)
  const ended = await services.siteStore.get(endedPartition, id)
  if (ended) return operationOf(ended)
  throw new CatamaranError('not-found', 'There is no such operation at this site.')
}

/** Those that ended, newest first, and before them the one that runs. `after` is an id. */
export async function listOperations(services: Services, page: PageRequest): Promise<Page<Operation>> {
  const current = page.after === undefined ? await readCurrent(services) : undefined
  const ended = await services.siteStore.list(endedPartition, { ...page, descending: true })
  const running = current ? [operationOf(current)] : []
  const items = [...running, ...ended.items.map(operationOf).filter(({ id }) => id !== running[0]?.id)]
  return ended.next === undefined ? { items } : { items, next: ended.next }
}

/** Ends an operation where it stands; what it has done stays done. */
export async function cancelOperation(services: Services, id: string): Promise<Operation> {
  const operation = await readOperation(services, id)
  if (operation.state !== 'running') return operation
  await changeCurrent(services, id, (present) => endOf(services, present, { state: 'cancelled' }))
  await makeRoom(services)
  return readOperation(services, id)
}

/** An operation as it ends. */
export function endOf(
  services: Services,
  { holder: _holder, waitingFor: _waiting, ...operation }: Operation,
  end: Pick<Operation, 'state' | 'error'>,
): Operation {
  return { ...operation, ...end, endedMs: services.clock.now() }
}

/** Puts the current operation away, should it have ended. */
export async function makeRoom(services: Services): Promise<void> {
  const item = await readCurrent(services)
  if (item) await archiveEnded(services, item)
}

/** Puts an operation that ended away, and makes room for the next; false when it still runs. */
async function archiveEnded(services: Services, item: SiteItem): Promise<boolean> {
  const operation = operationOf(item)
  if (operation.state === 'running') return false
  const expiresMs = services.clock.now() + keptMs
  await services.siteStore.put(
    { partition: endedPartition, id: operation.id, value: item.value, expiresMs },
    { kind: 'any' },
  )
  await services.siteStore.remove(currentPartition, currentId, item.token)
  return true
}

/** Changes the running operation; undefined when `id` does not run, or `change` does not want to. */
export async function changeCurrent(
  services: Services,
  id: string,
  change: (operation: Operation) => Operation | undefined,
): Promise<Operation | undefined> {
  for (let attempt = 0; attempt < swapTriesMax; attempt++) {
    const item = await readCurrent(services)
    const present = item && operationOf(item)
    const next = present?.id === id && present.state === 'running' ? change(present) : undefined
    if (!item || !next) return undefined
    const value = { ...next, updatedMs: services.clock.now() }
    if (await services.siteStore.put(putOf(value), { kind: 'unchanged', token: item.token })) return value
  }
  throw new CatamaranError('unavailable', 'An operation is being changed by others at once.')
}

/** Sends the message of an operation that nobody works on again; messages get lost. For a timer. */
export async function resumeOperation(services: Services): Promise<void> {
  const item = await readCurrent(services)
  if (!item || (await archiveEnded(services, item))) return
  const { id, leaseUntilMs } = operationOf(item)
  if (leaseUntilMs > services.clock.now()) return
  const leaseMs = services.clock.now() + overdueMs
  // The run that held it is dead, or will find that it no longer does.
  const sent = await changeCurrent(services, id, ({ holder: _holder, ...operation }) =>
    operation.leaseUntilMs > services.clock.now() ? undefined : { ...operation, leaseUntilMs: leaseMs },
  )
  if (sent) await sendOperation(services, id)
}
