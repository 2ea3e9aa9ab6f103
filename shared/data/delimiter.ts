const candidates = [',', '\t', ';', '|'] as const
export type Delimiter = (typeof candidates)[number]

/**
 * The delimiter that cuts the most lines into the same number (2 or more) of fields; undefined when none does
 * for at least 8 of 10 lines, or when there is only one line.
 */
export function detectDelimiter(text: string): Delimiter | undefined {
  const records = firstRecords(text, 50)
  if (records.length < 2) return undefined
  let best: Delimiter | undefined
  let bestScore = 0
  for (const delimiter of candidates) {
    const counts = records.map((record) => countOutsideQuotes(record, delimiter))
    const expected = counts[0] ?? 0
    if (expected === 0) continue
    const agreeing = counts.filter((count) => count === expected).length / counts.length
    const score = agreeing * 100 + Math.min(expected, 50)
    if (agreeing >= 0.8 && score > bestScore) [best, bestScore] = [delimiter, score]
  }
  return best
}

/** Up to `max` non-empty records, cut at line ends outside quotes; the last, perhaps cut off, is left out. */
function firstRecords(text: string, max: number): string[] {
  const records: string[] = []
  let start = 0
  let quoted = false
  for (let index = 0; index < text.length && records.length < max; index++) {
    const character = text.charCodeAt(index)
    if (character === 34) quoted = !quoted
    if ((character !== 10 && character !== 13) || quoted) continue
    const record = text.slice(start, index)
    if (record.trim() !== '') records.push(record)
    start = index + 1
  }
  const rest = text.slice(start)
  if (records.length < 2 && rest.trim() !== '') records.push(rest)
  return records
}

function countOutsideQuotes(record: string, delimiter: string): number {
  let count = 0
  let quoted = false
  for (const character of record) {
    if (character === '"') quoted = !quoted
    else if (character === delimiter && !quoted) count++
  }
  return count
}
