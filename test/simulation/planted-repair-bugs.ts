import type { PlantedBug } from './planted-bugs.ts'
import { calm } from './profile.ts'

const feed = 'shared/core/feed.ts'
const reconcile = 'shared/core/reconcile.ts'
const scrub = 'shared/core/scrub.ts'
const exchange = 'shared/core/exchange.ts'
const descend = 'shared/core/descend.ts'
const tree = 'shared/core/digest-tree.ts'
const dirty = 'shared/core/dirty-buckets.ts'
const digest = 'shared/replication/digest.ts'
const summaries = 'shared/core/summaries.ts'

/** A site goes back to a backup, and its clients do not wait. */
const restoredAtOnce = {
  isCalm: false,
  rebuild: 'snapshot',
  opensAtOnce: true,
  forms: false,
  uploads: false,
  longOutage: false,
  records: 8,
  thinkMsMax: 90_000,
} as const

/** Mistakes in how changes travel, and in how what was missed is found. */
export const repairBugs: readonly PlantedBug[] = [
  {
    name: 'a site that went back to a backup writes as the one it was',
    file: 'shared/core/records.ts',
    find: 'const origin = originOf(services.site, services.incarnation)\n  const stamp',
    replace: 'const origin = originOf(services.site)\n  const stamp',
    override: restoredAtOnce,
  },
  {
    name: 'a session takes it that a site still holds what it showed before it went back to a backup',
    file: 'shared/replication/session.ts',
    find: 'where === here ? []',
    replace: 'where.slice(0, 3) === here.slice(0, 3) ? []',
    override: restoredAtOnce,
  },
  {
    name: 'trust the feed alone: nothing is marked dirty',
    file: feed,
    find: 'await markDirty(services, changes)',
    replace: '',
  },
  {
    name: 'the feed offers nothing and leaves it all to reconcile',
    file: feed,
    find: "changes.filter((change) => change.via !== 'peer')",
    replace: 'changes.filter(() => false)',
  },
  {
    name: 'the older of two states is offered',
    file: feed,
    find: 'if (!known || known.stamp < state.stamp)',
    replace: 'if (!known || known.stamp > state.stamp)',
    override: { ...calm, thinkMsMax: 100, records: 1 },
  },
  {
    name: 'copies from the peer are sent back to it',
    file: feed,
    find: "changes.filter((change) => change.via !== 'peer')",
    replace: 'changes.slice()',
  },
  {
    name: 'a peer that is away makes dead letters',
    file: feed,
    find: 'if (!isPeerAway(error)) await fileAll',
    replace: 'if (isPeerAway(error)) await fileAll',
  },
  {
    name: 'what the peer took is a dead letter when that cannot be noted',
    file: feed,
    find: 'taken += await settle(services, batch, outcomes)',
    replace:
      'try {\n      taken += await settle(services, batch, outcomes)\n    } catch (error) {\n      await fileAll(services, batch, error)\n    }',
  },
  {
    name: 'the feed goes on although effects could not be begun',
    file: feed,
    find: 'if (isCatamaranError(error) && isTransient(error)) return false',
    replace: 'if (isCatamaranError(error) && isTransient(error)) return true',
    override: { isCalm: false, serviceOutages: true, mischiefMs: 20_000, objects: true, thinkMsMax: 10_000 },
  },
  {
    name: 'dirty marks are cleared before the buckets are read',
    file: tree,
    find: 'await digestBuckets(services, dirty.buckets)\n    await clearDirty(services, dirty.ids)',
    replace: 'await clearDirty(services, dirty.ids)\n    await digestBuckets(services, dirty.buckets)',
  },
  {
    name: 'marks are cleared before they have settled',
    file: dirty,
    find: 'const settleMs = 3000',
    replace: 'const settleMs = 0',
    override: {
      name: 'storm',
      isCalm: false,
      records: 200,
      opsPerClient: 60,
      thinkMsMax: 2_000,
      // The digests of both sites have to be wrong alike: what differs is found at once, and read again.
      indexLag: 1,
      loseFeedEvents: 0,
      longOutage: false,
      rebuild: 'none',
      rush: 0,
      capacity: 0,
    },
  },
  {
    name: 'the newest marks are cleared unread',
    file: dirty,
    find: 'ids: items.map((item) => item.id),',
    replace: 'ids: items.map((item) => item.id).concat(items.map((item) => item.id)), buckets: [],',
  },
  {
    name: 'a digest that lost the race is stored all the same',
    file: tree,
    find: 'if (await services.siteStore.put({ partition, id, value }, condition)) return result',
    replace: "if (await services.siteStore.put({ partition, id, value }, condition && { kind: 'any' })) return result",
    override: { isCalm: false, objects: true, records: 40, thinkMsMax: 10_000, opsPerClient: 60 },
  },
  {
    name: 'the root is not brought up to date',
    file: tree,
    find: 'if (byPage.size > 0) await digestRoot',
    replace: 'if (byPage.size > 1) await digestRoot',
  },
  {
    name: 'a digest grows with every delivery',
    file: tree,
    find: 'leaves[leafOfBucket(bucket)] = digest\n',
    replace: "leaves[leafOfBucket(bucket)] = digestOfChildren([leaves[leafOfBucket(bucket)] ?? '', digest])\n",
  },
  {
    name: 'a digest tells which records there are, not what they have seen',
    file: digest,
    find: '${vectorText(entry.vector)}',
    replace: '${vectorText(entry.vector).length > 0}',
  },
  {
    name: 'a digest leaves out the deleted',
    file: tree,
    find: '    entries.push(entry)\n  }\n  for (;',
    replace: '    if (!entry.deleted) entries.push(entry)\n  }\n  for (;',
  },
  {
    name: 'concurrent states are not exchanged',
    file: exchange,
    find: "['after', 'concurrent'].includes",
    replace: "['after'].includes",
  },
  {
    name: 'each run compares one page of the tree, in turn',
    file: descend,
    find: 'const differing = differences(pages, root, salt).map(({ index }) => index)',
    replace: `const turn = Math.floor(services.clock.now() / 60_000) % pages.length
  const differing = differences(pages, root, salt)
    .map(({ index }) => index)
    .filter((index) => index === turn)`,
    override: {
      isCalm: false,
      crash: 60,
      netLoss: 3,
      mischiefMs: 20_000,
      thinkMsMax: 10_000,
      loseFeedEvents: 0,
      longOutage: false,
      rebuild: 'none',
    },
  },
  {
    name: 'what the peer packs is taken for equal',
    file: descend,
    find: "answer?.kind === 'packed' ? packedDifferences(salt, ours, answer.digests) : undefined",
    replace: "answer?.kind === 'packed' ? packedDifferences(salt, ours, answer.digests)?.slice(0, 0) : undefined",
  },
  {
    name: 'only missing records are exchanged',
    file: exchange,
    find: "b === undefined || ['after', 'concurrent'].includes(compareVectors(a, b))",
    replace: "b === undefined || (compareVectors(a, b) === 'equal' && a === b)",
  },
  {
    name: 'the scrub trusts the tree',
    file: scrub,
    find: 'new Set(await digestBuckets(services, buckets,',
    replace: 'new Set(await digestBuckets(services, buckets.slice(0, 0),',
    override: { name: 'forgetful feed', isCalm: false, loseFeedEvents: 6, longOutage: false },
  },
  {
    name: 'the scrub begins effects of what it finds changed alone',
    file: scrub,
    find: 'else for (const record of records) await beginEffects(services, record)',
    replace: 'else for (const record of records.slice(0, 0)) await beginEffects(services, record)',
    override: { name: 'forgetful feed', isCalm: false, loseFeedEvents: 6, longOutage: false, objects: true },
  },
  {
    name: 'no margin for what is on its way',
    file: reconcile,
    find: 'const sessionMarginMs = 900_000',
    replace: 'const sessionMarginMs = 0',
    override: { isCalm: false, clockFaults: true, mischiefMs: 20_000, netLoss: 3, thinkMsMax: 10_000 },
  },
  {
    name: 'the peer is told that a bucket is the same when it has as many records',
    file: summaries,
    find: 'if (digestOfBucket(entries) === digest)',
    replace: "if (digestOfBucket(entries) === digest || (entries.length > 0 && digest !== ''))",
  },
]
