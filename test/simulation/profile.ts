import type { Chance } from './chance.ts'

/** How hard one run is. Each number is a "one in"; 0 is never. */
export interface Profile {
  readonly name: string
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
  readonly loseFeedEvents: number
  readonly longOutage: boolean
  readonly objects: boolean
}

const calm: Profile = {
  name: 'calm',
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
  loseFeedEvents: 0,
  longOutage: false,
  objects: true,
}

/** Every seed draws a profile: some are calm, so that costs can be checked; most are a storm of some kind. */
export function drawProfile(chance: Chance): Profile {
  const storm: Profile = {
    ...calm,
    name: 'storm',
    records: chance.between(1, 8),
    opsPerClient: chance.between(10, 40),
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
    objects: chance.oneIn(2),
  }
  const roll = chance.pick(40)
  if (roll < 4) return { ...calm, name: 'calm' }
  if (roll === 4) return { ...storm, name: 'forgetful feed', loseFeedEvents: 6 }
  if (roll === 5) return { ...storm, name: 'long outage', longOutage: true, clockFaults: false }
  return storm
}
