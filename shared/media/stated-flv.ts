import type { Stated } from './stated.ts'

const tagHeaderBytes = 11
/** Behind each tag its length stands again. */
const trailerBytes = 4
const scriptData = 18
const tagsMax = 100
/** Its name as a property with the length in front, and the mark of a number (AMF 0, 2.2 and 2.5). */
const duration = Buffer.from('\0\x08duration\0', 'latin1')

/** The seconds of `onMetaData` (Adobe Flash Video File Format 10.1, E.5), as far as it stands in the beginning of the file. */
export function statedInFlv(head: Buffer): Stated {
  if (head.length < 9) return {}
  let at = head.readUInt32BE(5) + trailerBytes
  for (let tags = 0; at + tagHeaderBytes <= head.length && tags < tagsMax; tags++) {
    const bytes = head.readUIntBE(at + 1, 3)
    const content = head.subarray(at + tagHeaderBytes, at + tagHeaderBytes + bytes)
    if (((head[at] ?? 0) & 0x1f) === scriptData) return durationIn(content)
    at += tagHeaderBytes + bytes + trailerBytes
  }
  return {}
}

function durationIn(script: Buffer): Stated {
  const at = script.indexOf(duration) + duration.length
  if (at < duration.length || at + 8 > script.length) return {}
  const seconds = script.readDoubleBE(at)
  return seconds > 0 && Number.isFinite(seconds) ? { durationMs: seconds * 1000 } : {}
}
