import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** One log line (Elastic Common Schema) that belongs to a trace. */
export interface TraceLine {
  readonly trace: string
  readonly span: string
  readonly parent: string | undefined
  readonly atMs: number
  readonly cloud: string
  readonly service: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly text: string
}

/** The lines of log files that belong to a trace, or to any, in the order of time. What is not such a line is passed over. */
export async function readTraceLines(files: readonly string[], trace?: string): Promise<TraceLine[]> {
  const found: TraceLine[] = []
  for (const file of files) {
    for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      const line = text.includes('"trace.id"') ? lineOf(text) : undefined
      if (line && (trace === undefined || line.trace === trace)) found.push(line)
    }
  }
  return found.sort((a, b) => a.atMs - b.atMs)
}

/** A host may put something of its own before a line. */
function lineOf(text: string): TraceLine | undefined {
  try {
    const json = text.slice(text.indexOf('{'))
    const fields = JSON.parse(json) as Record<string, unknown>
    const { 'trace.id': trace, 'span.id': span, 'parent.id': parent, '@timestamp': at } = fields
    if (typeof trace !== 'string' || typeof span !== 'string' || typeof at !== 'string') return undefined
    return {
      trace,
      span,
      parent: typeof parent === 'string' ? parent : undefined,
      atMs: Date.parse(at),
      cloud: textOf(fields['cloud.provider']),
      service: textOf(fields['service.name']),
      message: textOf(fields['message']),
      fields,
      text: json,
    }
  } catch {
    return undefined
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
