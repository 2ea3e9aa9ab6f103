import { CatamaranError } from '../domain/errors.ts'
import { derivedId } from '../domain/hash.ts'
import type { JsonObject } from '../domain/json.ts'
import type { SiteItem } from '../ports/site-store.ts'
import type { ExportPosition } from './export-rows.ts'
import type { Services } from './services.ts'
import { exportFolder, removeStagedUnder } from './staging.ts'

const shardCount = 4
const leaseMs = 120_000
const renewMs = 30_000

export interface ExportName {
  readonly tenant: string
  /** Of the export's record. */
  readonly id: string
}

/** How far an export is: what was read before `position` is in these files of the staging area, each in order. */
export type ExportProgress = {
  position: ExportPosition | null
  runs: { key: string; bytes: number; sha256: string }[]
}

type Held = { holder: string; leaseUntilMs: number; progress: ExportProgress }

/** A run's hold on one export at this site. */
export interface ExportHold {
  /** Where the run before this one came to its end. */
  readonly begun: ExportProgress
  /** Keeps the lease alive; to be called again and again. Throws `conflict` when another run has the export by now. */
  renew(): Promise<void>
  /** Where the next run goes on. Throws `conflict` as above. */
  save(progress: ExportProgress): Promise<void>
  /** Whether anything was saved. */
  moved(): boolean
  isLost(): boolean
  /** Another run may go on at once. */
  release(): Promise<void>
}

const partitionOf = ({ tenant, id }: ExportName): string =>
  `export-work/${derivedId(tenant, id).charCodeAt(0) % shardCount}`
const itemId = ({ tenant, id }: ExportName): string => `${tenant}/${id}`
const heldOf = ({ value }: SiteItem): Held => value as Held

const readHeld = (services: Services, name: ExportName): Promise<SiteItem | undefined> =>
  services.siteStore.get(partitionOf(name), itemId(name))

/** Undefined while another run of this site makes it. */
export async function holdExport(services: Services, name: ExportName): Promise<ExportHold | undefined> {
  const nowMs = services.clock.now()
  const item = await readHeld(services, name)
  if (item && heldOf(item).leaseUntilMs > nowMs) return undefined
  const progress = item ? heldOf(item).progress : { position: null, runs: [] }
  const holder = Buffer.from(services.random.bytes(12)).toString('hex')
  const held: Held = { holder, leaseUntilMs: nowMs + leaseMs, progress }
  const isTaken = await services.siteStore.put(
    putOf(name, held),
    item ? { kind: 'unchanged', token: item.token } : { kind: 'absent' },
  )
  return isTaken ? holdOf(services, name, held) : undefined
}

function holdOf(services: Services, name: ExportName, taken: Held): ExportHold {
  let { leaseUntilMs } = taken
  let [moved, lost] = [false, false]
  const change = async (next: Partial<Held>): Promise<void> => {
    const item = await readHeld(services, name)
    const held = item && heldOf(item)
    const isHeld =
      held?.holder === taken.holder &&
      (await services.siteStore.put(putOf(name, { ...held, ...next }), {
        kind: 'unchanged',
        token: item?.token ?? '',
      }))
    lost = !isHeld
    if (lost) throw new CatamaranError('conflict', 'Another run makes this export by now.')
    leaseUntilMs = next.leaseUntilMs ?? leaseUntilMs
  }
  const lease = (): Pick<Held, 'leaseUntilMs'> => ({ leaseUntilMs: services.clock.now() + leaseMs })
  return {
    begun: taken.progress,
    renew: async () => {
      if (leaseUntilMs - services.clock.now() < leaseMs - renewMs) await change(lease())
    },
    save: async (progress) => {
      await change({ ...lease(), progress })
      moved = true
    },
    moved: () => moved,
    isLost: () => lost,
    release: () => change({ leaseUntilMs: services.clock.now() }),
  }
}

const putOf = (name: ExportName, held: Held) => ({
  partition: partitionOf(name),
  id: itemId(name),
  value: held satisfies JsonObject,
})

/** Removes what runs at this site left of an export that is made, or given up. */
export async function clearExportWork(services: Services, name: ExportName): Promise<void> {
  const item = await readHeld(services, name)
  if (!item) return
  await removeStagedUnder(services, exportFolder(name.tenant, name.id))
  await services.siteStore.remove(item.partition, item.id)
}
