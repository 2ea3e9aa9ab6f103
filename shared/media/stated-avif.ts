import type { FileHandle } from 'node:fs/promises'
import { fieldsOf, spanAlong, spansIn, type Span } from './box-spans.ts'
import { withFile } from './file-parts.ts'

/** Of pictures, of how transparent and how deep they are, and as many again. */
const tracksMax = 8

/**
 * How many frames an AVIF says it has, by the table of its track of pictures (ISO/IEC 23008-12, 7.1, and 14496-12, 8.7.3); 1 for
 * one without such a track.
 */
export function framesInAvif(path: string): Promise<number> {
  return withFile(path, async (file) => {
    const { size } = await file.stat()
    const movie = await spanAlong(file, { from: 0, to: size }, 'moov')
    const tracks = movie ? (await spansIn(file, movie)).filter(({ name }) => name === 'trak') : []
    for (const track of tracks.slice(0, tracksMax)) {
      if (await isOfPictures(file, track)) return framesIn(file, track)
    }
    return 1
  })
}

async function isOfPictures(file: FileHandle, track: Span): Promise<boolean> {
  const handler = await spanAlong(file, track, 'mdia', 'hdlr')
  return handler !== undefined && (await fieldsOf(file, handler)).toString('latin1', 8, 12) === 'pict'
}

/** Both forms of the table have their count at the same place. */
async function framesIn(file: FileHandle, track: Span): Promise<number> {
  const table = await spanAlong(file, track, 'mdia', 'minf', 'stbl')
  const sizes = table && (await spansIn(file, table)).find(({ name }) => name === 'stsz' || name === 'stz2')
  return sizes ? (await fieldsOf(file, sizes)).readUInt32BE(8) : 1
}
