import { CatamaranError } from '../domain/errors.ts'
import { parseRow } from './ndjson.ts'
import { rowBytesMax, type RowItem } from './row.ts'

/** The objects of a JSON array, cut out by their brackets as they stream by and parsed one at a time. */
export async function* jsonBatches(text: AsyncIterable<string>): AsyncGenerator<RowItem[]> {
  const state = {
    line: 1,
    depth: 0,
    quoted: false,
    escaped: false,
    startLine: 1,
    element: '',
    long: false,
    ended: false,
  }
  for await (const chunk of text) {
    const batch: RowItem[] = []
    // Where the current element goes on in this chunk; -1 between elements.
    let start = state.depth > 1 ? 0 : -1
    for (let index = 0; index < chunk.length; index++) {
      const code = chunk.charCodeAt(index)
      if (code === newline) state.line++
      if (state.quoted) {
        if (state.escaped) state.escaped = false
        else if (code === backslash) state.escaped = true
        else if (code === quote) state.quoted = false
        continue
      }
      if (code <= 32 || code === byteOrderMark) continue
      if (state.ended) throw damaged(state.line, 'there is more after its end')
      if (state.depth === 0 && code !== openBracket) throw damaged(state.line, 'it does not begin with [')
      if (code === quote && state.depth > 1) state.quoted = true
      else if (code === openBrace || code === openBracket) {
        if (state.depth === 1) [start, state.startLine] = [index, state.line]
        state.depth++
      } else if (code === closeBrace || code === closeBracket) {
        state.depth--
        if (state.depth === 0) state.ended = true
        if (state.depth !== 1) continue
        state.element += chunk.slice(start, index + 1)
        const tooLong = state.long || state.element.length > rowBytesMax
        batch.push(
          tooLong
            ? { line: state.startLine, error: `The row is longer than ${rowBytesMax} characters` }
            : parseRow(state.startLine, state.element),
        )
        ;[state.element, state.long, start] = ['', false, -1]
      } else if (state.depth === 1 && code !== comma) throw damaged(state.line, 'it holds something that is no object')
    }
    if (start >= 0 && !state.long) state.element += chunk.slice(start)
    if (state.element.length > rowBytesMax) [state.element, state.long] = ['', true]
    if (batch.length > 0) yield batch
  }
  if (!state.ended) throw damaged(state.line, 'it is cut off')
}

const newline = 10
const quote = 34
const comma = 44
const openBracket = 91
const backslash = 92
const closeBracket = 93
const openBrace = 123
const closeBrace = 125
const byteOrderMark = 0xfeff

const damaged = (line: number, reason: string): CatamaranError =>
  new CatamaranError('invalid-media', `The file is no valid JSON array of objects: ${reason} (line ${line})`)
