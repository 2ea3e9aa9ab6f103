import { open, type FileHandle } from 'node:fs/promises'
import type { Segment } from '../domain/segments.ts'
import { boxesIn, contentOf, fileBoxes, type Box } from './mp4-boxes.ts'
import { invalidMedia } from './reasons.ts'

/** A fragmented MP4 with one track, as it came from the encoder. */
export interface FragmentedFile {
  /** The `moov` box, whole. */
  readonly header: Buffer
  /** Ticks a second. */
  readonly timescale: number
  /** Decoding time of the first sample, in ticks. */
  readonly firstTicks: number
  /** Where the first fragment begins and the last one ends. */
  readonly from: number
  readonly to: number
  readonly fragments: readonly Segment[]
}

const headerBytesMax = 1024 ** 2
const fragmentHeaderBytesMax = 16 * 1024 ** 2

/** Reads the header and the length and duration of each fragment, a `moof` with the `mdat` after it. */
export async function readFragments(path: string): Promise<FragmentedFile> {
  const file = await open(path, 'r')
  try {
    let header: Buffer | undefined
    let [from, to] = [0, 0]
    const found: { at: number; ticks: number; start: number; end: number }[] = []
    for await (const box of fileBoxes(file)) {
      if (box.name === 'moov') header = await bytesOf(file, box, headerBytesMax)
      if (box.name === 'moof' && header) {
        from ||= box.at
        const timing = timingOf(await bytesOf(file, box, fragmentHeaderBytesMax), header)
        found.push({ at: box.at, end: box.at + box.bytes, ...timing })
      }
      const last = found.at(-1)
      if (box.name === 'mdat' && last) to = last.end = box.at + box.bytes
    }
    const first = found[0]
    if (!header || !first) throw invalidMedia('The video has no frame that can be decoded')
    const fragments = found.map(({ at, end, start, ticks }, index) => {
      const next = found[index + 1]
      return { bytes: (next?.at ?? end) - at, ticks: next ? next.start - start : ticks }
    })
    return { header, timescale: timescaleOf(header), firstTicks: first.start, from, to, fragments }
  } finally {
    await file.close()
  }
}

async function bytesOf(file: FileHandle, { at, bytes }: Box, bytesMax: number): Promise<Buffer> {
  if (bytes > bytesMax) throw invalidMedia(`The file is damaged: a header of ${bytes} bytes`)
  const data = Buffer.alloc(bytes)
  await file.read(data, 0, bytes, at)
  return data
}

function timescaleOf(header: Buffer): number {
  const media = contentOf(header, 'moov', 'trak', 'mdia', 'mdhd')
  const scale = media?.readUInt32BE(media[0] === 1 ? 20 : 12)
  if (!scale) throw invalidMedia('The file is damaged: its track has no clock')
  return scale
}

/** ISO/IEC 14496-12, 8.8: the start of a fragment (`tfdt`) and the sum of its samples' durations (`tfhd`, `trun`). */
function timingOf(moof: Buffer, header: Buffer): { start: number; ticks: number } {
  const [track, start] = [contentOf(moof, 'moof', 'traf', 'tfhd'), contentOf(moof, 'moof', 'traf', 'tfdt')]
  const traf = contentOf(moof, 'moof', 'traf')
  if (!track || !start || !traf) throw invalidMedia('The file is damaged: a fragment has no time')
  const usual = defaultTicks(track, header)
  let ticks = 0
  for (const box of boxesIn(traf, 0, traf.length)) {
    if (box.name === 'trun') ticks += runTicks(traf.subarray(box.at + box.headerBytes, box.at + box.bytes), usual)
  }
  return { start: start[0] === 1 ? Number(start.readBigUInt64BE(4)) : start.readUInt32BE(4), ticks }
}

function defaultTicks(track: Buffer, header: Buffer): number {
  const has = track.readUInt32BE(0)
  if (has & 0x08) return track.readUInt32BE(8 + (has & 0x01 ? 8 : 0) + (has & 0x02 ? 4 : 0))
  return contentOf(header, 'moov', 'mvex', 'trex')?.readUInt32BE(12) ?? 0
}

function runTicks(run: Buffer, usual: number): number {
  const has = run.readUInt32BE(0)
  const samples = run.readUInt32BE(4)
  if (!(has & 0x100)) return samples * usual
  const sampleBytes = [0x100, 0x200, 0x400, 0x800].filter((flag) => has & flag).length * 4
  const from = 8 + (has & 0x01 ? 4 : 0) + (has & 0x04 ? 4 : 0)
  let ticks = 0
  for (let at = from; at + sampleBytes <= run.length; at += sampleBytes) ticks += run.readUInt32BE(at)
  return ticks
}
