import type { PlantedBug } from './planted-bugs.ts'

const records = 'shared/core/records.ts'
const reads = 'shared/core/record-reads.ts'
const durability = 'shared/core/durability.ts'
const changes = 'shared/core/changes.ts'

/** Mistakes in what a client is told. */
export const clientBugs: readonly PlantedBug[] = [
  {
    name: 'a site is taken to hold what the feed of the other one has not told of',
    file: 'shared/core/reconcile.ts',
    find: 'Math.min(beganMs, fedUntilMs)',
    replace: 'Math.min(beganMs, fedUntilMs + beganMs)',
    override: {
      name: 'standing feed',
      isCalm: false,
      feedStalls: true,
      mischiefMs: 600_000,
      thinkMsMax: 360_000,
      opsPerClient: 24,
      longOutage: false,
      rebuild: 'none',
      capacity: 0,
      rogue: 'none',
    },
  },
  {
    name: 'a write asks the other site first',
    file: records,
    find: 'for (let attempt = 0; attempt < writeTriesMax; attempt++) {',
    replace: 'await services.peer.status()\n  for (let attempt = 0; attempt < writeTriesMax; attempt++) {',
  },
  {
    name: 'a write waits for the other site, though not for its answer',
    file: records,
    find: 'for (let attempt = 0; attempt < writeTriesMax; attempt++) {',
    replace:
      'await services.peer.status().catch(() => {})\n  for (let attempt = 0; attempt < writeTriesMax; attempt++) {',
  },
  {
    name: 'a site that has not heard from the other one for hours takes no writes',
    file: records,
    find: 'for (let attempt = 0; attempt < writeTriesMax; attempt++) {',
    replace: `const { replicatedUntilMs } = await import('./replication-marks.ts')
  if (services.clock.now() - (await replicatedUntilMs(services)) > 12 * 3_600_000 && (await replicatedUntilMs(services)) > 0)
    throw new CatamaranError('unavailable', 'read-only without the peer')
  for (let attempt = 0; attempt < writeTriesMax; attempt++) {`,
  },
  {
    name: 'a read asks the other site whatever its session has seen',
    file: reads,
    find: 'if (!(await mayBeBehind(services, record, session))) return live(record)',
    replace: '',
  },
  {
    name: 'a list asks the other site whatever its session has seen',
    file: reads,
    find: 'if (!(await mayBeBehind(services, undefined, session))) return undefined',
    replace: '',
  },
  {
    name: 'a session asks the other site for what it was shown at this one',
    file: 'shared/replication/session.ts',
    find: 'where === here ? []',
    replace: 'where === undefined ? []',
  },
  {
    name: 'a write forgets what the peer wrote',
    file: records,
    find: 'vector: { ...current?.vector, [origin]: stamp }',
    replace: 'vector: { [origin]: stamp }',
  },
  {
    name: 'stamps by the wall clock alone',
    file: records,
    find: 'current && newestStamp(current.vector))',
    replace: 'undefined as ReturnType<typeof newestStamp>)',
  },
  {
    name: 'a request that was honoured is carried out again',
    file: records,
    find: 'replayOf(current, options.idempotency)',
    replace: 'replayOf(current, undefined)',
  },
  {
    name: 'a lost race counts as written',
    file: records,
    find: 'return await ownWrite(services, state)',
    replace: "return { ...state, ...facts, token: '' }",
  },
  {
    name: 'a write that failed counts as written',
    file: records,
    find: 'if (own) return own\n    throw error',
    replace: "if (own) return own\n    return { ...state, ...facts, token: '' }",
  },
  {
    name: 'no history of what a client overwrites',
    file: records,
    find: 'if (current) await keepInHistory(services, current)',
    replace: '',
  },
  {
    name: 'If-Match is not looked at',
    file: records,
    find: "if (precondition.etags.includes('*') || precondition.etags.includes(etag)) return",
    replace: 'if (etag) return',
  },
  {
    name: 'If-None-Match is not looked at',
    file: records,
    find: "if (live) throw new CatamaranError('already-exists'",
    replace: "if (live && live.deleted) throw new CatamaranError('already-exists'",
  },
  {
    name: 'confirmed by both whatever the peer says',
    file: durability,
    find: "outcome?.kind === 'applied' || outcome?.kind",
    replace: 'outcome !== undefined || outcome?.kind',
  },
  {
    name: 'quarantined at the peer counts as held by both',
    file: durability,
    find: "outcome?.kind === 'applied' || outcome?.kind",
    replace: "outcome?.kind === 'quarantined' || outcome?.kind === 'applied' || outcome?.kind",
  },
  {
    name: 'confirmed by both although the peer did not answer',
    file: durability,
    find: "be asked to hold a write', {}, error)\n    return false",
    replace: "be asked to hold a write', {}, error)\n    return true",
  },
  {
    name: 'sessions are not looked at',
    file: reads,
    find: 'if (missed.length === 0) return false',
    replace: 'return false',
  },
  {
    name: 'a session is shown the past when the present cannot be taken in',
    file: reads,
    find: 'if (outcomes.every(',
    replace: 'if (outcomes.length >= 0 || outcomes.every(',
  },
  {
    name: 'lists do not look at sessions',
    file: reads,
    find: 'if (!(await mayBeBehind(services, undefined, session))) return undefined',
    replace: 'if (session !== null) return undefined',
  },
  {
    name: 'a record seen by the session is taken for the latest the peer has',
    file: reads,
    find: 'return missed.some(([, stamp]) => stampMs(stamp) >= untilMs)',
    replace: 'return !record && missed.some(([, stamp]) => stampMs(stamp) >= untilMs)',
  },
  {
    name: 'the list of changes skips what is still on its way',
    file: changes,
    find: 'record.arrivalMs < settledMs)',
    replace: 'record.arrivalMs >= 0)',
    override: { isCalm: false, clockFaults: false, rush: 3, thinkMsMax: 200, longOutage: false },
  },
  {
    name: 'a reader of changes goes on at the other site where it was at this one',
    file: changes,
    find: 'const known = positionBefore(cursor.untilMs)',
    replace: 'const known = arrivalCursor(cursor.ms)',
  },
  {
    name: 'a reader of changes begins anew whenever it changes sites',
    file: changes,
    find: "(cursor.there ?? everyShard(''))",
    replace: "everyShard('')",
    override: {
      isCalm: false,
      clockFaults: false,
      longOutage: false,
      rush: 3,
      clients: 6,
      opsPerClient: 120,
      thinkMsMax: 2_000,
    },
  },
]
