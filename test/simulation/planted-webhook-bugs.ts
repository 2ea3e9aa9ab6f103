import type { PlantedBug } from './planted-bugs.ts'

const events = 'shared/core/webhook-events.ts'
const announce = 'shared/core/webhook-announce.ts'
const run = 'shared/core/webhook-run.ts'
const often = { webhooks: true, objects: true, records: 1, opsPerClient: 20 } as const

/** Mistakes in what somebody outside is told. */
export const webhookBugs: readonly PlantedBug[] = [
  {
    name: 'each look at an asset makes a message of its own',
    file: events,
    find: 'messageId(record, type, media.version)',
    replace: 'messageId(record, type, String(services.clock.now()))',
    override: often,
  },
  {
    name: 'a message that was not taken is thrown away',
    file: run,
    find: 'if (message.byHand) return dropped(services, entry)\n  const health',
    replace: 'if (message.byHand || attempts > 0) return dropped(services, entry)\n  const health',
    override: often,
  },
  {
    name: 'nobody is told by the site that is at home',
    file: announce,
    find: 'if ((await doneIn(services, lane)).has(message.id)) return',
    replace: 'if (home === services.site || (await doneIn(services, lane)).has(message.id)) return',
    override: often,
  },
]
