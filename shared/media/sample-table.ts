import { boxesIn } from './mp4-boxes.ts'

/** Where the samples of a track lie in its file, in the order of decoding. */
export interface Samples {
  readonly offsets: Float64Array
  /** In bytes; of plain sound, whose samples are counted and not weighed, in samples, and each entry is a chunk of them. */
  readonly sizes: Float64Array
  readonly isCounted: boolean
  /** When each is shown, by the film's own clock. */
  readonly shownUs: Float64Array
}

/** Twice what six hours at 60 frames a second and 48,000 Hz have. */
const samplesMax = 5_000_000
const fullBoxBytes = 4

/**
 * Reads the tables of a track (ISO/IEC 14496-12, 8.6.1 and 8.7) as strictly as can be: undefined when one lacks, is there twice, is
 * damaged or does not fit the others, since other readers may then find other bytes.
 */
export function readSamples(
  stbl: Buffer,
  clock: { readonly scale: number; readonly shiftUs: number },
): Samples | undefined {
  const boxes = [...boxesIn(stbl, 0, stbl.length)]
  const table = (name: string): Buffer | undefined => {
    const [box, ...more] = boxes.filter((each) => each.name === name)
    return box && more.length === 0
      ? stbl.subarray(box.at + box.headerBytes + fullBoxBytes, box.at + box.bytes)
      : undefined
  }
  if (boxes.some(({ name }) => name === 'stz2')) return undefined
  const [times, sizes] = [entriesOf(table('stts'), 2), table('stsz')]
  const chunks = chunksOf(entriesOf(table('stsc'), 3), entriesOf(table('stco'), 1) ?? entriesOf(table('co64'), 2))
  const hasOffsets = boxes.some(({ name }) => name === 'ctts')
  const offsets = entriesOf(table('ctts'), 2)
  if (!times || !sizes || sizes.length < 8 || !chunks || (hasOffsets && !offsets)) return undefined
  const isOneOffset = boxes.filter(({ name }) => name === 'stco' || name === 'co64').length === 1
  const count = sizes.readUInt32BE(4)
  if (!isOneOffset || chunks.samples !== count) return undefined
  const isCounted = times.length === 1 && times.at(0, 1) === 1
  if (isCounted) return countedChunks(chunks, clock)
  if (count > samplesMax) return undefined
  const same = sizes.readUInt32BE(0)
  if (same === 0 && sizes.length !== 8 + count * 4) return undefined
  const shownUs = shownAt(count, { times, offsets }, clock)
  if (!shownUs) return undefined
  const found = { offsets: new Float64Array(count), sizes: new Float64Array(count), isCounted, shownUs }
  let sample = 0
  chunks.each((offset, samples) => {
    for (let at = offset, last = sample + samples; sample < last; sample++) {
      const bytes = same || sizes.readUInt32BE(8 + sample * 4)
      found.offsets[sample] = at
      found.sizes[sample] = bytes
      at += bytes
    }
  })
  return found
}

interface Entries {
  readonly length: number
  at(index: number, field: number): number
  /** The whole entry as one number. */
  long(index: number): number
}

/** A table of `fields` numbers of 32 bits an entry, after the count of its entries. */
function entriesOf(table: Buffer | undefined, fields: number): Entries | undefined {
  if (!table || table.length < 4) return undefined
  const length = table.readUInt32BE(0)
  if (table.length !== 4 + length * fields * 4) return undefined
  return {
    length,
    at: (index, field) => table.readUInt32BE(4 + (index * fields + field) * 4),
    long: (index) => (fields === 2 ? Number(table.readBigUInt64BE(4 + index * 8)) : table.readUInt32BE(4 + index * 4)),
  }
}

interface Chunks {
  readonly samples: number
  readonly length: number
  each(take: (offset: number, samples: number) => void): void
}

/** How many samples each chunk has: an entry holds from its first chunk on until the next entry's. */
function chunksOf(runs: Entries | undefined, offsets: Entries | undefined): Chunks | undefined {
  if (!runs || !offsets || offsets.length === 0 || runs.length === 0 || offsets.length > samplesMax) return undefined
  let samples = 0
  const firstOf = (run: number): number => (run < runs.length ? runs.at(run, 0) - 1 : offsets.length)
  if (firstOf(0) !== 0) return undefined
  for (let run = 0; run < runs.length; run++) {
    const chunks = firstOf(run + 1) - firstOf(run)
    // The description of the samples may change in a film; then its parts are not of one kind.
    if (chunks <= 0 || runs.at(run, 1) === 0 || runs.at(run, 2) !== runs.at(0, 2)) return undefined
    samples += chunks * runs.at(run, 1)
  }
  return {
    samples,
    length: offsets.length,
    each(take) {
      for (let run = 0; run < runs.length; run++) {
        for (let chunk = firstOf(run); chunk < firstOf(run + 1); chunk++) take(offsets.long(chunk), runs.at(run, 1))
      }
    },
  }
}

function countedChunks(
  chunks: Chunks,
  { scale, shiftUs }: { readonly scale: number; readonly shiftUs: number },
): Samples {
  const { length } = chunks
  const found = {
    offsets: new Float64Array(length),
    sizes: new Float64Array(length),
    shownUs: new Float64Array(length),
    isCounted: true,
  }
  let [chunk, ticks] = [0, 0]
  chunks.each((offset, samples) => {
    found.offsets[chunk] = offset
    found.sizes[chunk] = samples
    found.shownUs[chunk] = (ticks * 1e6) / scale + shiftUs
    ticks += samples
    chunk++
  })
  return found
}

function shownAt(
  count: number,
  { times, offsets }: { readonly times: Entries; readonly offsets: Entries | undefined },
  { scale, shiftUs }: { readonly scale: number; readonly shiftUs: number },
): Float64Array | undefined {
  const shownUs = new Float64Array(count)
  let [sample, ticks] = [0, 0]
  for (let entry = 0; entry < times.length; entry++) {
    const last = sample + times.at(entry, 0)
    if (last > count) return undefined
    for (; sample < last; sample++, ticks += times.at(entry, 1)) shownUs[sample] = (ticks * 1e6) / scale + shiftUs
  }
  if (sample !== count) return undefined
  if (!offsets) return shownUs
  sample = 0
  for (let entry = 0; entry < offsets.length; entry++) {
    const last = sample + offsets.at(entry, 0)
    if (last > count) return undefined
    // Signed in version 1, and in practice in version 0 too.
    const later = ((offsets.at(entry, 1) | 0) * 1e6) / scale
    for (; sample < last; sample++) shownUs[sample] = (shownUs[sample] ?? 0) + later
  }
  return sample === count ? shownUs : undefined
}
