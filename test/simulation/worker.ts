import { plant } from './planting.ts'
import type { Order } from './workers.ts'

/** A process of its own that runs the seeds it is sent: with one bug planted, or beside the code in another folder, if it is told to. */
const [name, olderFolder] = process.argv.slice(2)
if (name) plant(name)
const { simulate } = await import('./run.ts')
const { loadOlder } = await import('./older.ts')
const older = olderFolder ? await loadOlder(olderFolder) : undefined

// Thousands of faults are thrown in a run, and nobody looks at where.
Error.stackTraceLimit = 0

process.on('message', ({ seed, override }: Order) => {
  simulate(seed, { override, older }).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
