import { isJsonObject } from '../domain/json.ts'
import { jsonRow } from './row-fault.ts'
import { rowBytesMax, type RowItem } from './row.ts'

/** One JSON object a line; empty lines are skipped. */
export async function* ndjsonBatches(text: AsyncIterable<string>): AsyncGenerator<RowItem[]> {
  let line = 0
  let rest = ''
  let skipping = false
  const itemOf = (content: string): RowItem | undefined => {
    line++
    if (skipping || content.length > rowBytesMax) {
      return { line, error: `The line is longer than ${rowBytesMax} characters` }
    }
    return content.trim() === '' ? undefined : parseRow(line, content)
  }
  for await (const chunk of text) {
    const batch: RowItem[] = []
    let start = 0
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      const item = itemOf(rest + chunk.slice(start, end))
      if (item) batch.push(item)
      ;[rest, skipping, start] = ['', false, end + 1]
    }
    if (!skipping) rest += chunk.slice(start)
    // What is too long to hold is let go until its line ends.
    if (rest.length > rowBytesMax) [rest, skipping] = ['', true]
    if (batch.length > 0) yield batch
  }
  const last = skipping || rest !== '' ? itemOf(rest) : undefined
  if (last) yield [last]
}

export function parseRow(line: number, text: string): RowItem {
  try {
    const row: unknown = JSON.parse(text)
    return isJsonObject(row) ? jsonRow(line, row, text.length) : { line, error: 'The row is no JSON object' }
  } catch (error) {
    return {
      line,
      error: `The row is no valid JSON: ${error instanceof Error ? error.message.slice(0, 160) : 'unreadable'}`,
    }
  }
}
