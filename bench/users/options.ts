import { parseArgs } from 'node:util'
import { type Site, sites } from '../../shared/domain/site.ts'
import { type Run, runNames, runs } from './runs.ts'

export const helpText = `npm run bench -- users [options]

  Users of both clouds on this machine, each with a connection of its own, who create, read and edit records, list them and
  look at pictures, with time to think in between: 2,000 at once, then 10,000 who come evenly and stay. Then
  what was acknowledged is held against what both sites hold. Takes about half an hour.
  --run NAME         this one alone: at-once or spawned
  --users N          how many users
  --ramp-seconds N   the time in which they come
  --seconds N        the time from then on, which is measured
  --think-seconds N  the mean time between an answer and the user's next call
  --site NAME        all of them at this one: aws or azure`

const options = {
  run: { type: 'string' },
  users: { type: 'string' },
  seconds: { type: 'string' },
  'ramp-seconds': { type: 'string' },
  'think-seconds': { type: 'string' },
  site: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

export interface UsersOptions {
  readonly help: boolean
  readonly runs: readonly (readonly [name: string, run: Run])[]
  readonly sites: readonly Site[]
}

/** Reads the command line. Throws RangeError that names the option which makes no sense. */
export function readUsersOptions(args: readonly string[]): UsersOptions {
  const { values } = parseArgs({ args: [...args], options })
  const numberOf = (name: 'users' | 'seconds' | 'ramp-seconds' | 'think-seconds'): number | undefined => {
    const text = values[name]
    if (text === undefined || Number(text) > 0) return text === undefined ? undefined : Number(text)
    throw new RangeError(`--${name} is a number above zero, and ${text} is not`)
  }
  const given = {
    users: numberOf('users'),
    seconds: numberOf('seconds'),
    rampSeconds: numberOf('ramp-seconds'),
    thinkSeconds: numberOf('think-seconds'),
  }
  const changes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return {
    help: values.help,
    runs: chosen('run', runNames, values.run).map((name) => [name, { ...runs[name], ...changes }]),
    sites: chosen('site', sites, values.site),
  }
}

/** All of the names when none was said. */
function chosen<Name extends string>(option: string, names: readonly Name[], said: string | undefined): Name[] {
  const found = names.filter((name) => said === undefined || name === said)
  if (found.length > 0) return found
  throw new RangeError(`--${option} is one of ${names.join(', ')}`)
}
