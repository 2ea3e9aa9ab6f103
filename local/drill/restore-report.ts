import type { Bar, Figure } from '../../bench/figures.ts'
import type { Verdict } from './promises.ts'
import type { Repaired, Restored } from './restore.ts'
import { say } from './stage.ts'

const none: Bar = { atMost: 0 }
const some: Bar = { atLeast: 1 }
const shownMax = 5

const count = (name: string, value: number, bar?: Bar): Figure => ({
  name,
  value,
  unit: 'count',
  ...(bar ? { bar } : {}),
})
const seconds = (name: string, ms: number): Figure => ({ name, value: ms / 1000, unit: 's' })

/** What the restore came to, as figures with their bars. */
export function restoreFigures({ cast, returned, settled, ...rest }: Restored): Figure[] {
  const { verdict } = settled
  const assets = cast.things.filter(({ kind }) => kind === 'assets').length
  return [
    count('records and assets', cast.things.length),
    count('lost writes', verdict.lost.length, none),
    count('deletes undone', verdict.risen.length, none),
    count('doubled records', verdict.doubled.length, none),
    count('conflicts that nobody caused', verdict.invented.length, none),
    count('different at the sites', verdict.unlike.length, none),
    count('written over what the backup did not have', returned.unseen, some),
    count('reads with a session', returned.reads, some),
    count('of these older than the session had seen', returned.backwards.length, none),
    count('of these refused', returned.refused),
    count('differences that a verify finds', rest.differences, none),
    count(`of ${assets} assets, not given out as they were`, rest.lacking.length, none),
    count('breakers released', settled.releases),
    count('webhook messages that never came', rest.untold.length, none),
    count('webhook messages told again', rest.toldTwice.length, none),
    seconds('from its start until it served', rest.servesMs),
    seconds('from then until both were as promised', rest.settlesMs),
    seconds('the backfill', rest.backfillMs),
  ]
}

/** What the repair came to, as figures with their bars. */
export function repairFigures({ mended, settled, toldTwice }: Repaired): Figure[] {
  const { unseen, imagined, left, spoilt, unkept, repairMs } = mended
  return [
    count('laid hands on and not found', unseen.length, none),
    count('found and never touched', imagined.length, none),
    count('left after the repair', left, none),
    count('objects not as they were after the repair', spoilt.length, none),
    ...(unkept ? [count('objects without an earlier version in the store', unkept.length, none)] : []),
    count('lost, undone, doubled or different after the repair', Object.values(settled.verdict).flat().length, none),
    count('webhook messages told again, the repair included', toldTwice.length, none),
    seconds('the deep repair', repairMs),
  ]
}

/** Names what the figures of the restore only count. */
export function sayRestoreFailures({ returned: { backwards }, settled, lacking, untold, toldTwice }: Restored): void {
  sayNames({ ...settled.verdict, backwards, lacking, untold, toldTwice })
}

/** Names what the figures of the repair only count. */
export function sayRepairFailures({ mended, settled, toldTwice }: Repaired): void {
  const { unseen, imagined, spoilt, unkept = [] } = mended
  sayNames({ unseen, imagined, spoilt, unkept, ...settled.verdict, toldTwice })
}

function sayNames(lists: Verdict & Readonly<Record<string, readonly string[]>>): void {
  for (const [kind, names] of Object.entries(lists)) {
    for (const name of names.slice(0, shownMax)) say(`  ${kind}: ${name}`)
  }
}
