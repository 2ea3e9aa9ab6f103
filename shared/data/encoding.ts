import { TextDecoder } from 'node:util'

type TextEncodingName = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252'

/**
 * The encoding of a text that begins with these bytes: by its byte order mark, else by zero bytes in every second place,
 * else UTF-8 when valid, else Windows-1252. Undefined for binary data.
 */
export function detectEncoding(head: Uint8Array): TextEncodingName | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  const even = zerosAt(head, 0)
  const odd = zerosAt(head, 1)
  const many = head.length * 0.3
  if (head.length >= 8 && even === 0 && odd > many) return 'utf-16le'
  if (head.length >= 8 && odd === 0 && even > many) return 'utf-16be'
  if (even + odd > 0 || hasControls(head)) return undefined
  return isUtf8(head) ? 'utf-8' : 'windows-1252'
}

/** The text of a file's beginning, without its byte order mark; undefined for binary data. */
export function decodeHead(head: Uint8Array): string | undefined {
  const encoding = detectEncoding(head)
  return encoding && new TextDecoder(encoding).decode(head, { stream: true })
}

export async function* decodeText(
  source: AsyncIterable<Uint8Array>,
  encoding: TextEncodingName,
): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding)
  for await (const chunk of source) {
    const text = decoder.decode(chunk, { stream: true })
    if (text !== '') yield text
  }
  const rest = decoder.decode()
  if (rest !== '') yield rest
}

function zerosAt(head: Uint8Array, parity: 0 | 1): number {
  let zeros = 0
  for (let index = parity; index < head.length; index += 2) if (head[index] === 0) zeros++
  return zeros
}

/** Valid UTF-8, up to a character that the end cuts in two. */
function isUtf8(head: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true })
    return true
  } catch {
    return false
  }
}

/** Control characters that no text file holds, at more than one in a thousand. */
function hasControls(head: Uint8Array): boolean {
  let controls = 0
  for (const byte of head)
    if ((byte < 32 && byte !== 9 && byte !== 10 && byte !== 13 && byte !== 12) || byte === 127) controls++
  return controls * 1000 > head.length
}

export const isEncoding = (name: unknown): name is TextEncodingName =>
  name === 'utf-8' || name === 'utf-16le' || name === 'utf-16be' || name === 'windows-1252'
