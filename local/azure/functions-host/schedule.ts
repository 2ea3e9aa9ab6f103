import { timeSpanMs } from './settings.ts'

/** When a timer is next due after a moment, both in milliseconds since 1970, UTC. */
export type Schedule = (afterMs: number) => number

interface Field {
  readonly min: number
  readonly max: number
  readonly names?: readonly string[]
}

const fields: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
]

const dayMs = 86_400_000
const searchDaysMax = 366 * 8

function values(text: string, field: Field): Set<number> {
  const number = (part: string): number => {
    const named = field.names?.indexOf(part.toLowerCase().slice(0, 3)) ?? -1
    const value = named >= 0 ? named + field.min : Number(part)
    const sunday = field.max === 6 && value === 7 ? 0 : value
    if (!Number.isInteger(sunday) || sunday < field.min || sunday > field.max)
      throw new Error(`'${part}' is out of range.`)
    return sunday
  }
  const found = new Set<number>()
  for (const part of text.split(',')) {
    const [range = '', step] = part.split('/')
    let [from, to] = [field.min, field.max]
    if (range !== '*') {
      const [low = '', high] = range.split('-')
      from = number(low)
      to = high === undefined ? (step === undefined ? from : field.max) : number(high)
    }
    const stride = step === undefined ? 1 : Number(step)
    if (!Number.isInteger(stride) || stride < 1) throw new Error(`'${part}' has no valid step.`)
    for (let value = from; value <= to; value += stride) found.add(value)
  }
  return found
}

/**
 * A timer's schedule: NCRONTAB of six fields (second first; of five: second 0), or a TimeSpan between runs.
 * Throws when it is neither.
 */
export function parseSchedule(text: string): Schedule {
  const intervalMs = timeSpanMs(text)
  if (intervalMs !== undefined && intervalMs > 0) return (afterMs) => afterMs + intervalMs
  const parts = text.trim().split(/\s+/u)
  if (parts.length === 5) parts.unshift('0')
  if (parts.length !== 6) throw new Error(`The schedule '${text}' is neither NCRONTAB nor a TimeSpan.`)
  const [seconds, minutes, hours, days, months, weekdays] = parts.map((part, at) => {
    const field = fields[at]
    if (field === undefined) throw new Error('unreachable')
    return values(part, field)
  }) as [Set<number>, Set<number>, Set<number>, Set<number>, Set<number>, Set<number>]
  const times: number[] = []
  for (const hour of [...hours].sort((a, b) => a - b)) {
    for (const minute of [...minutes].sort((a, b) => a - b)) {
      for (const second of [...seconds].sort((a, b) => a - b)) times.push(((hour * 60 + minute) * 60 + second) * 1000)
    }
  }
  const dayMatches = (date: Date): boolean =>
    days.has(date.getUTCDate()) && months.has(date.getUTCMonth() + 1) && weekdays.has(date.getUTCDay())
  return (afterMs) => {
    const start = Math.floor(afterMs / dayMs) * dayMs
    for (let day = 0; day < searchDaysMax; day += 1) {
      const midnight = start + day * dayMs
      if (!dayMatches(new Date(midnight))) continue
      const time = times.find((offset) => midnight + offset > afterMs)
      if (time !== undefined) return midnight + time
    }
    throw new Error(`The schedule '${text}' never comes due.`)
  }
}
