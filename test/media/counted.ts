import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { inputArgs } from '../../shared/media/ffmpeg-input.ts'
import { ffmpeg, never, type Workbench } from './workbench.ts'

const bits = 12
const row = (frame: number): boolean[] => Array.from({ length: bits }, (_, bit) => ((frame >> bit) & 1) === 1)

/** A film whose every frame shows its number, in bars of black and white. */
export interface CountedFilm {
  readonly name: string
  readonly frames: number
  readonly size: readonly [number, number]
  readonly rate: number
  /** Arguments between the input and the output; `-af` and the like. */
  readonly args: readonly string[]
}

export async function countedFilm(bench: Workbench, film: CountedFilm): Promise<string> {
  const [width, height] = film.size
  const raw = bench.at(`${film.name}.raw`)
  const file = createWriteStream(raw)
  for (let frame = 0; frame < film.frames; frame++) {
    const shown = row(frame)
    const line = Buffer.alloc(width)
    for (let x = 0; x < width; x++) line[x] = shown[Math.floor((x * bits) / width)] ? 235 : 16
    if (!file.write(Buffer.concat(Array.from({ length: height }, () => line)))) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
  const seconds = film.frames / film.rate
  const input = `-f rawvideo -pix_fmt gray -s ${width}x${height} -r ${film.rate} -i`.split(' ')
  const sound = ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}:sample_rate=48000`]
  return bench.film(film.name, ...input, raw, ...sound, '-pix_fmt', 'yuv420p', ...film.args)
}

/** The numbers that the frames of a film show, in the order in which they are shown. */
export async function numbersOf(path: string, { upright = true } = {}): Promise<number[]> {
  const chunks: Buffer[] = []
  const scale = upright ? `scale=${bits}:1:flags=area` : `transpose=2,scale=${bits}:1:flags=area`
  await ffmpeg.run(
    [
      ...inputArgs(path, 'video/mp4', { threads: 1 }),
      ...`-map 0:v:0 -vsync 0 -vf ${scale} -pix_fmt gray -f rawvideo pipe:1`.split(' '),
    ],
    { signal: never(), wallMsMax: 60_000, onOutput: (chunk) => void chunks.push(chunk) },
  )
  const data = Buffer.concat(chunks)
  return Array.from({ length: data.length / bits }, (_, frame) =>
    [...data.subarray(frame * bits, (frame + 1) * bits)].reduce(
      (sum, value, bit) => sum + (value > 128 ? 1 << bit : 0),
      0,
    ),
  )
}
