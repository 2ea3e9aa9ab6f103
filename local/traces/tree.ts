import type { TraceLine } from './read.ts'

/** What says where a line belongs, and nothing about it. */
const plumbing =
  /^(@timestamp|log\.level|message|service\.|cloud\.|trace\.id|span\.id|parent\.id|requestId|key$|tookMs$|error\.stack)/
const newestMax = 20

/**
 * One trace as a tree: a line for each log line, below those of the span that set its own off. A span whose parent nobody
 * logged (a client's, a replicated record's) stands at the root, in the order of time.
 */
export function treeLines(lines: readonly TraceLine[]): string[] {
  const [first] = lines
  if (!first) return []
  const spans = new Map<string, TraceLine[]>()
  for (const line of lines) spans.set(line.span, [...(spans.get(line.span) ?? []), line])
  const parentOf = (span: string): string | undefined => {
    const parent = spans.get(span)?.find((line) => line.parent !== undefined)?.parent
    return parent !== undefined && parent !== span && spans.has(parent) ? parent : undefined
  }
  const show = (span: string, depth: number): string[] => [
    ...(spans.get(span) ?? []).map((line) => lineText(line, first.atMs, depth)),
    ...[...spans.keys()].filter((other) => parentOf(other) === span).flatMap((other) => show(other, depth + 1)),
  ]
  return [...spans.keys()].filter((span) => parentOf(span) === undefined).flatMap((span) => show(span, 0))
}

function lineText(line: TraceLine, beganMs: number, depth: number): string {
  const at = `+${line.atMs - beganMs} ms`.padStart(12)
  const where = `${line.cloud} ${line.service}`.padEnd(22)
  return `${at}  ${where}${'  '.repeat(depth)}${line.message}${detailsOf(line)}`
}

function detailsOf({ fields }: TraceLine): string {
  const told = Object.entries(fields).filter(
    ([name, value]) => !plumbing.test(name) && ['string', 'number', 'boolean'].includes(typeof value),
  )
  return told.length === 0 ? '' : `  (${told.map(([name, value]) => `${name} ${String(value)}`).join(', ')})`
}

/** The newest traces with their clouds and first words, the newest last. */
export function newestTraces(lines: readonly TraceLine[]): string[] {
  const traces = new Map<string, TraceLine[]>()
  for (const line of lines) traces.set(line.trace, [...(traces.get(line.trace) ?? []), line])
  return [...traces].slice(-newestMax).map(([trace, of]) => {
    const clouds = [...new Set(of.map(({ cloud }) => cloud))].join(' and ')
    const [first] = of
    return `${trace}  ${new Date(first?.atMs ?? 0).toISOString()}  ${of.length} lines at ${clouds}: ${first?.message}${first ? detailsOf(first) : ''}`
  })
}
