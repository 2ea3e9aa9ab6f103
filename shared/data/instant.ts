const moment = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?$/
const msPerDay = 86_400_000
const fractionDigitsMax = 6

/** Days since 1970 of a valid ISO 8601 date. */
export const daysOf = (date: string): number => Math.round(Number((microsOf(date) ?? 0n) / 1_000n) / msPerDay)

/**
 * Microseconds since 1970 of a valid ISO 8601 date or date-time; one without a zone is taken for UTC. Undefined when it is
 * told more finely than that.
 */
export function microsOf(text: string): bigint | undefined {
  const [, year, month, day, hour = 0, minute = 0, second = 0, fraction = '', zone = 'Z'] = moment.exec(text) ?? []
  if (year === undefined || fraction.length > fractionDigitsMax) return undefined
  // Date.UTC takes the years 0 to 99 for those after 1900.
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  date.setUTCHours(Number(hour), Number(minute), Number(second))
  return BigInt(date.getTime() - zoneMs(zone)) * 1_000n + BigInt(fraction.padEnd(fractionDigitsMax, '0'))
}

function zoneMs(zone: string): number {
  if (zone === 'Z') return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}
