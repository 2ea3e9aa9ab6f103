/**
 * Types whose mark is so short that one file of noise in two thousand bears it, and what must follow it to believe that the
 * file is one. Each gives where the next unit begins, or undefined when the bytes at `at` begin none.
 */
const units: Readonly<Record<string, (head: Uint8Array, at: number) => number | undefined>> = {
  'audio/mpeg': mpegFrameEnd,
  'audio/aac': adtsFrameEnd,
  'video/mp2t': transportPacketEnd,
}

/** Units that must follow each other, or reach the end of a short file. */
const unitsWanted = 4
/** Of these all bytes must be there, unless the file ends with one. */
const wholeUnitsWanted = 2

/** Whether the mark of this type at the beginning of a file is borne out by what follows. True for types with a long mark. */
export function isBorneOut(mediaType: string, head: Uint8Array): boolean {
  const unitEnd = units[mediaType]
  if (!unitEnd || isTagged(head)) return true
  let at = 0
  for (let unit = 0; unit < unitsWanted && at < head.length; unit++) {
    const end = unitEnd(head, at)
    if (end === undefined || (unit < wholeUnitsWanted && end > head.length)) return false
    at = end
  }
  return true
}

/** An ID3v2 tag in front is a mark that is long enough. */
const isTagged = (head: Uint8Array): boolean => head[0] === 0x49 && head[1] === 0x44 && head[2] === 0x33

/** Kilobits a second by index, of ISO/IEC 11172-3 (layers I, II, III) and of 13818-3 (layer I, layers II and III). */
const mpeg1Rates = [
  [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
] as const
const mpeg2Rates = [
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
] as const
/** Of MPEG-1; MPEG-2 has half of it and MPEG-2.5 a quarter. */
const mpegSampleRates = [44_100, 48_000, 32_000]

function mpegFrameEnd(head: Uint8Array, at: number): number | undefined {
  const [sync = 0, kind = 0, rate = 0] = head.subarray(at, at + 3)
  const version = (kind >> 3) & 3
  const layer = 4 - ((kind >> 1) & 3)
  if (sync !== 0xff || (kind & 0xe0) !== 0xe0 || version === 1 || layer === 4) return undefined
  const isFirst = version === 3
  const rates = isFirst ? mpeg1Rates[layer - 1] : mpeg2Rates[layer === 1 ? 0 : 1]
  const kilobits = rates?.[rate >> 4]
  const sampleRate = (mpegSampleRates[(rate >> 2) & 3] ?? 0) / (isFirst ? 1 : version === 2 ? 2 : 4)
  if (!kilobits || !sampleRate) return undefined
  const padding = (rate >> 1) & 1
  if (layer === 1) return at + (Math.floor((12_000 * kilobits) / sampleRate) + padding) * 4
  const samples = layer === 3 && !isFirst ? 576 : 1152
  return at + Math.floor((samples * 125 * kilobits) / sampleRate) + padding
}

/** A frame of ISO/IEC 13818-7, annex 1.2. */
function adtsFrameEnd(head: Uint8Array, at: number): number | undefined {
  const [sync = 0, kind = 0, rate = 0, channels = 0, middle = 0, low = 0] = head.subarray(at, at + 6)
  if (sync !== 0xff || (kind & 0xf6) !== 0xf0 || ((rate >> 2) & 15) > 12) return undefined
  const bytes = ((channels & 3) << 11) | (middle << 3) | (low >> 5)
  return bytes < 7 ? undefined : at + bytes
}

const packetBytes = 188
/** Discs put the time of arrival in front of each packet. */
const timedPacketBytes = 192

/** A packet of ISO/IEC 13818-1. */
function transportPacketEnd(head: Uint8Array, at: number): number | undefined {
  const isPlain = head[0] === 0x47 && head[packetBytes] === 0x47
  const [bytes, sync] = isPlain ? [packetBytes, 0] : [timedPacketBytes, 4]
  return head[at + sync] === 0x47 ? at + bytes : undefined
}
