import { makeSamples } from '../../local/samples/make.ts'
import { findHeifDecoder } from '../../shared/media/heif-path.ts'
import { heif, hevcPicture } from '../../test/media/heifs.ts'
import { lines, pagesPdf } from '../../test/media/pdfs.ts'
import type { Workbench } from '../../test/media/workbench.ts'

/** What a worker is to do, and the words that tell it. */
interface SampleJob {
  readonly name: string
  readonly file: string
  readonly mediaType: string
  readonly what?: 'variant' | 'part'
}

/** The files of the tour, and what is not among them: a book, a phone's picture, a picture on request, a part of a long film. */
export async function sampleJobs(bench: Workbench): Promise<SampleJob[]> {
  const samples = await makeSamples(bench.at('samples'))
  const photo = samples.find(({ kind }) => kind === 'photo')
  return [
    ...samples.map(({ file, mediaType }) => ({ name: file.slice(file.lastIndexOf('/') + 1), file, mediaType })),
    await book(bench),
    ...(await phonePicture(bench)),
    ...(photo ? [{ ...photo, name: 'one image of a photo.jpg on request', what: 'variant' as const }] : []),
    await longFilm(bench),
  ]
}

async function book(bench: Workbench): Promise<SampleJob> {
  const page = lines(...Array.from({ length: 20 }, (_, n) => `Line ${n} of two hulls and one deck`))
  const file = await bench.write('book.pdf', pagesPdf({ pages: Array.from({ length: 300 }, () => page) }))
  return { name: 'book.pdf', file, mediaType: 'application/pdf' }
}

/** Twelve megapixels in tiles, as phones write them; none where nothing decodes them. */
async function phonePicture(bench: Workbench): Promise<SampleJob[]> {
  if (findHeifDecoder() === undefined) {
    process.stderr.write('No decoder for HEIC is installed: its memory is not measured\n')
    return []
  }
  const [columns, rows] = [8, 6]
  const size = { width: 512, height: 512 }
  const tile = await hevcPicture(bench, ['-f', 'lavfi', '-i', 'testsrc2=s=512x512'], size)
  const tiles = Array.from({ length: columns * rows }, () => tile)
  const file = await bench.write('photo.heic', heif(tiles, { columns }))
  return [{ name: 'photo.heic', file, mediaType: 'image/heic' }]
}

async function longFilm(bench: Workbench): Promise<SampleJob> {
  const inputs = ['testsrc2=s=1920x1080:r=25:d=16', 'sine=d=16'].flatMap((filter) => ['-f', 'lavfi', '-i', filter])
  const coding = '-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p -c:a aac'.split(' ')
  const file = await bench.film('long.mp4', ...inputs, ...coding)
  return { name: 'a part of a long film in 1080p', file, mediaType: 'video/mp4', what: 'part' }
}
