const unitMs: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }
const minuteMs = 60_000
const searchMinutesMax = 366 * 24 * 60

/** The first moment after `afterMs` that the expression names. Throws on what EventBridge would refuse. */
export type NextTime = (afterMs: number) => number

/** Reads `rate(5 minutes)` or `cron(0 12 * * ? *)` (UTC). Source: EventBridge user guide, schedule expressions. */
export function parseSchedule(expression: string): NextTime {
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? []
  if (count && unit && Number(count) > 0) {
    const intervalMs = Number(count) * (unitMs[unit] ?? 0)
    return (afterMs) => afterMs + intervalMs
  }
  const fields = /^cron\(([^)]+)\)$/.exec(expression)?.[1]?.trim().split(/\s+/)
  if (fields?.length === 6) return cron(fields)
  throw new Error(`Not a schedule expression: ${expression}`)
}

const days = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']

function cron(fields: readonly string[]): NextTime {
  const [minutes, hours, daysOfMonth, monthsOfYear, daysOfWeek, years] = [
    values(fields[0], 0, 59),
    values(fields[1], 0, 23),
    values(fields[2], 1, 31),
    values(fields[3], 1, 12, months),
    values(fields[4], 1, 7, days),
    values(fields[5], 1970, 2199),
  ]
  const fits = (at: Date): boolean =>
    minutes.has(at.getUTCMinutes()) &&
    hours.has(at.getUTCHours()) &&
    daysOfMonth.has(at.getUTCDate()) &&
    monthsOfYear.has(at.getUTCMonth() + 1) &&
    daysOfWeek.has(at.getUTCDay() + 1) &&
    years.has(at.getUTCFullYear())
  return (afterMs) => {
    let ms = Math.floor(afterMs / minuteMs) * minuteMs
    for (let step = 0; step < searchMinutesMax; step++) {
      ms += minuteMs
      if (fits(new Date(ms))) return ms
    }
    return Infinity
  }
}

/** `*`, `?`, `5`, `1-5`, `0/15`, lists of them, and names where there are any. */
function values(field = '', min: number, max: number, names: readonly string[] = []): Set<number> {
  const number = (text: string): number => {
    const named = names.indexOf(text.toUpperCase())
    const value = named >= 0 ? named + 1 : Number(text)
    if (!Number.isInteger(value) || value < min || value > max) throw new Error(`Not a cron field: ${field}`)
    return value
  }
  const all = new Set<number>()
  for (const part of field.split(',')) {
    const [range = '', step] = part.split('/')
    const [from = '', to] = range.split('-')
    const any = range === '*' || range === '?'
    const first = any ? min : number(from)
    const last = any || (to === undefined && step !== undefined) ? max : number(to ?? from)
    for (let value = first; value <= last; value += step === undefined ? 1 : Math.max(1, Number(step))) all.add(value)
  }
  return all
}
