import type { Destruction } from '../replication/destruction.ts'

/** What was let through since `ms`, in a stretch of five minutes. */
export type Slot = { ms: number; settled: number; recent: number }

export type Counts = Readonly<Record<Destruction, number>>

const hourMs = 3_600_000
const slotMs = 300_000
const slotsMax = 40

/** What was let through in the last hour; a stretch that reaches into the hour counts as a whole. */
export function countsIn(slots: readonly Slot[], nowMs: number): Counts {
  const within = slots.filter(({ ms }) => ms + slotMs > nowMs - hourMs)
  const sum = (kind: Destruction): number => within.reduce((total, slot) => total + slot[kind], 0)
  return { settled: sum('settled'), recent: sum('recent') }
}

/** The slots with `counts` more, and without those that no longer matter. */
export function addToSlots(slots: readonly Slot[], nowMs: number, counts: Counts): Slot[] {
  const ms = Math.floor(nowMs / slotMs) * slotMs
  const present = slots.find((slot) => slot.ms === ms)
  const slot = {
    ms,
    settled: (present?.settled ?? 0) + counts.settled,
    recent: (present?.recent ?? 0) + counts.recent,
  }
  const others = slots.filter((each) => each.ms !== ms && each.ms + slotMs > nowMs - hourMs)
  return [...others, slot].sort((a, b) => a.ms - b.ms).slice(-slotsMax)
}

const tenantMin = 50
const tenantShare = 0.005
/** A site this small would freeze at a handful of deletes otherwise: four tenants' least. */
const everythingMin = 200
const everythingShare = 0.001
/** Young content is edited as a matter of course; ten times as much of it may go before it looks like damage. */
const recentFactor = 10

/** How much an hour may take of a tenant with so many live records. */
export const tenantLimits = (records: number): Counts =>
  withRecent(Math.max(tenantMin, Math.floor(records * tenantShare)))

/** How much an hour may take of a site with so many live records. */
export const everythingLimits = (records: number): Counts =>
  withRecent(Math.max(everythingMin, Math.floor(records * everythingShare)))

const withRecent = (settled: number): Counts => ({ settled, recent: settled * recentFactor })
