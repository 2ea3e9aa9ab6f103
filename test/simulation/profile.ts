import type { Chance } from './chance.ts'

/** How hard one run is. Each number of a fault is a "one in"; 0 is never. */
export interface Profile {
  readonly name: string
  /** Nothing fails, so that costs can be checked. */
  readonly isCalm: boolean
  readonly records: number
  readonly clients: number
  readonly opsPerClient: number
  readonly thinkMsMax: number
  readonly crash: number
  readonly zombie: number
  readonly throttle: number
  readonly lostAnswer: number
  readonly netLoss: number
  readonly netDouble: number
  readonly netLate: number
  /** A cut, a slow link, an outage or a clock fault begins about once in this many virtual ms. */
  readonly mischiefMs: number
  readonly clockFaults: boolean
  /** One store of one site fails for a while, now and then. */
  readonly serviceOutages: boolean
  /** An operator pauses one way of one site about once in this many virtual ms. */
  readonly pausesMs: number
  /** Somebody without a session comes to each site about once in this many virtual ms, through the whole storm. */
  readonly visitsMs: number
  readonly loseFeedEvents: number
  /** The feed of one site stands still now and then, for up to an hour and a half, while the site serves. */
  readonly feedStalls: boolean
  /** Changes that the indexes show late. */
  readonly indexLag: number
  readonly longOutage: boolean
  readonly objects: boolean
  /** Clients upload files and drop them into the stores. */
  readonly uploads: boolean
  /** How many different bytes they bring, for two tenants; 0: no two files are alike. */
  readonly alike: number
  /** Names of dropped files at each site: the fewer, the more often one is written over, removed and dropped again. */
  readonly filesPerSite: number
  /** There is a collection that merges by field. */
  readonly forms: boolean
  /** Somebody outside is told of assets that are ready. */
  readonly webhooks: boolean
  readonly objectEventFaults: boolean
  /** Bytes get damaged, or break off, on their way between the sites; and in the end one object where it lies. */
  readonly corruption: number
  readonly queueFaults: boolean
  readonly shardSplits: number
  /** One site runs version N + 1, which sends more than version N knows. */
  readonly mixedVersions: boolean
  /** A site loses everything, or goes back to an old snapshot, once. */
  readonly rebuild: 'none' | 'wipe' | 'snapshot'
  /** How many calls a second each site's record store takes, while a crowd of clients comes and goes; 0 is no limit. */
  readonly capacity: number
  /** How often the same new records are made at both sites within half a second, and the reader of changes never rests. */
  readonly rush: number
  /** One site deletes or overwrites everything, and is made good again; instead of clients. */
  readonly rogue: 'none' | 'deletes' | 'overwrites'
  /**
   * Whether a site that lost data lets clients in at once, not only after a clean reconcile. What merges by field has to wait for
   * that: the peer may know an edit as settled that the site has lost.
   */
  readonly opensAtOnce: boolean
}

/** What a shrunk or a planted run changes of the profile that its seed draws. */
export type ProfileOverride = Partial<Profile>

/** Nothing fails. */
export const calm: Profile = {
  name: 'calm',
  isCalm: true,
  records: 6,
  clients: 3,
  opsPerClient: 25,
  thinkMsMax: 4000,
  crash: 0,
  zombie: 0,
  throttle: 0,
  lostAnswer: 0,
  netLoss: 0,
  netDouble: 0,
  netLate: 0,
  mischiefMs: 0,
  clockFaults: false,
  serviceOutages: false,
  pausesMs: 0,
  visitsMs: 0,
  loseFeedEvents: 0,
  feedStalls: false,
  indexLag: 20,
  filesPerSite: 3,
  longOutage: false,
  objects: true,
  uploads: false,
  alike: 0,
  forms: false,
  webhooks: false,
  objectEventFaults: false,
  corruption: 0,
  queueFaults: false,
  shardSplits: 0,
  mixedVersions: false,
  rebuild: 'none',
  capacity: 0,
  rush: 0,
  rogue: 'none',
  opensAtOnce: false,
}

/** An attack, with the small faults that the seed draws and none that lasts. */
export const underAttack = (rogue: 'deletes' | 'overwrites'): Partial<Profile> => ({
  name: 'rogue site',
  rogue,
  isCalm: false,
  mischiefMs: 0,
  throttle: 0,
  clockFaults: false,
  serviceOutages: false,
  shardSplits: 0,
  loseFeedEvents: 0,
  longOutage: false,
  rebuild: 'none',
})

/** Long enough for queues to give up. */
const slow = {
  name: 'slow storm',
  thinkMsMax: 90_000,
  serviceOutages: true,
  mischiefMs: 120_000,
  objects: true,
}

/** Long enough for a site to lose its data in the middle of it. */
const lossy = (chance: Chance): Partial<Profile> => ({
  thinkMsMax: 90_000,
  records: chance.of([3, 8]),
  rush: chance.of([0, 3]),
})

const opening = (chance: Chance): Partial<Profile> => (chance.oneIn(2) ? { opensAtOnce: true, forms: false } : {})

/** Nothing fails but what is asked for too fast; the clients stay long enough to tell how it is afterwards. */
export const overload = {
  ...calm,
  name: 'overload',
  isCalm: false,
  records: 12,
  clients: 3,
  opsPerClient: 160,
  thinkMsMax: 10_000,
  objects: false,
  uploads: false,
}

/** Most runs are short, since most faults need few operations; a few are long, for those that need many. */
function sizeOf(chance: Chance): Pick<Profile, 'clients' | 'opsPerClient'> {
  const roll = chance.pick(20)
  if (roll < 13) return { clients: chance.between(2, 4), opsPerClient: chance.between(4, 12) }
  if (roll < 19) return { clients: 3, opsPerClient: chance.between(14, 34) }
  return { clients: chance.between(3, 6), opsPerClient: chance.between(40, 70) }
}

/** A whole cycle of the scrub may have to be gone through afterwards, at a cost that follows what still differs. */
const few = (chance: Chance): Partial<Profile> => ({ clients: 2, opsPerClient: chance.between(4, 12) })

/** Long enough for the other site to take over what was begun. */
const away = (chance: Chance): Partial<Profile> => ({
  clockFaults: false,
  serviceOutages: false,
  objects: true,
  uploads: !chance.oneIn(4),
})

/** Clients who come back after minutes, with what they have seen long before. */
const standing = (chance: Chance): Partial<Profile> => ({
  feedStalls: true,
  clients: 3,
  opsPerClient: chance.between(14, 24),
  thinkMsMax: 360_000,
  mischiefMs: 600_000,
})

/** Every seed draws a profile: some are calm, so that costs can be checked; most are a storm of some kind. */
export function drawProfile(chance: Chance): Profile {
  const storm: Profile = {
    ...calm,
    name: 'storm',
    isCalm: false,
    records: chance.between(1, 8),
    ...sizeOf(chance),
    thinkMsMax: chance.of([200, 2000, 10_000]),
    crash: chance.of([0, 60, 200]),
    zombie: chance.of([0, 40]),
    throttle: chance.of([0, 30, 150]),
    lostAnswer: chance.of([0, 40, 150]),
    netLoss: chance.of([0, 8, 30]),
    netDouble: chance.of([0, 10]),
    netLate: chance.of([0, 20]),
    mischiefMs: chance.of([0, 20_000, 60_000]),
    clockFaults: chance.oneIn(2),
    serviceOutages: chance.oneIn(3),
    objects: chance.oneIn(2),
    uploads: chance.oneIn(6),
    forms: chance.oneIn(4),
    objectEventFaults: chance.oneIn(2),
    corruption: chance.of([0, 6]),
    queueFaults: chance.oneIn(2),
    shardSplits: chance.of([0, 20]),
    mixedVersions: chance.oneIn(6),
    rush: chance.of([0, 0, 0, 4]),
  }
  const roll = chance.pick(80)
  if (roll < 8) return { ...calm, thinkMsMax: chance.of([300, 4000]) }
  if (roll < 9) return { ...storm, name: 'forgetful feed', loseFeedEvents: 6, ...few(chance) }
  if (roll < 11) return { ...storm, name: 'long outage', ...away(chance), longOutage: true }
  if (roll < 14) return { ...storm, name: 'wiped site', ...lossy(chance), rebuild: 'wipe', ...opening(chance) }
  if (roll < 17) return { ...storm, name: 'old snapshot', ...lossy(chance), rebuild: 'snapshot', ...opening(chance) }
  if (roll < 20) return { ...storm, ...slow, opsPerClient: chance.between(30, 40) }
  if (roll === 20) return { ...overload, capacity: chance.of([20, 60]) }
  if (roll === 21 && chance.oneIn(2)) return { ...storm, ...underAttack(chance.of(['deletes', 'overwrites'])) }
  if (roll === 22) return { ...storm, name: 'standing feed', ...standing(chance) }
  return storm
}
