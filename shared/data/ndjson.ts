import { isJsonObject } from '../domain/json.ts'
import { rowBytesMax, type RowItem } from './row.ts'

/** One JSON object a line; empty lines are skipped. */
export async function* ndjsonRows(text: AsyncIterable<string>): AsyncGenerator<RowItem> {
  let line = 0
  for await (const content of lines(text)) {
    line++
    if (content === undefined) yield { line, error: `The line is longer than ${rowBytesMax} characters` }
    else if (content.trim() !== '') yield parseRow(line, content)
  }
}

export function parseRow(line: number, text: string): RowItem {
  try {
    const row: unknown = JSON.parse(text)
    return isJsonObject(row) ? { line, row } : { line, error: 'The row is no JSON object' }
  } catch (error) {
    return {
      line,
      error: `The row is no valid JSON: ${error instanceof Error ? error.message.slice(0, 160) : 'unreadable'}`,
    }
  }
}

/** Lines without their ends; undefined for a line that is too long to hold. */
async function* lines(text: AsyncIterable<string>): AsyncGenerator<string | undefined> {
  let rest = ''
  let skipping = false
  for await (const chunk of text) {
    let start = 0
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      const content = rest + chunk.slice(start, end)
      yield skipping || content.length > rowBytesMax ? undefined : content
      ;[rest, skipping, start] = ['', false, end + 1]
    }
    if (!skipping) rest += chunk.slice(start)
    if (rest.length > rowBytesMax) [rest, skipping] = ['', true]
  }
  if (skipping) yield undefined
  else if (rest !== '') yield rest
}
