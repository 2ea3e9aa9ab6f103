import { type Site, sites } from '../../shared/domain/site.ts'
import { type Run, runNames, runs } from './runs.ts'

export const usersOptions = {
  run: { type: 'string', value: 'NAME', about: 'this one alone: at-once or spawned' },
  users: { type: 'string', value: 'N', about: 'how many users' },
  'ramp-seconds': { type: 'string', value: 'N', about: 'the time in which they come' },
  seconds: { type: 'string', value: 'N', about: 'the time from then on, which is measured' },
  'think-seconds': { type: 'string', value: 'N', about: "the mean time between an answer and the user's next call" },
  site: { type: 'string', value: 'NAME', about: 'all of them at this one: aws or azure' },
} as const

export interface UsersOptions {
  readonly runs: readonly (readonly [name: string, run: Run])[]
  readonly sites: readonly Site[]
}

/** What the command line says. Throws RangeError that names the option which makes no sense. */
export function readUsersOptions(
  values: {
    readonly [Name in keyof typeof usersOptions]?: string | undefined
  },
): UsersOptions {
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
