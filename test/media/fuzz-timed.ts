import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import { inputArgs } from '../../shared/media/ffmpeg-input.ts'
import type { ConvertedFile } from '../../shared/ports/media-converter.ts'
import type { FuzzedFormat } from './fuzzed-format.ts'
import { ffmpeg, never } from './workbench.ts'

const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '5']
const inputs = ['-f', 'lavfi', '-i', 'testsrc=d=1:s=64x48:r=10', '-f', 'lavfi', '-i', 'sine=d=1:r=44100']
const tags = ['-metadata', 'title=Two hulls', '-metadata', 'artist=Outrigger']

/** How each is written; the first word is the type that is declared. */
const writers = {
  mp4: ['video/mp4', ...h264, '-c:a', 'aac', '-movflags', '+faststart'],
  mov: ['video/quicktime', ...h264, '-c:a', 'aac'],
  mkv: ['video/matroska', ...h264, '-c:a', 'aac'],
  webm: ['video/webm', '-c:v', 'libvpx', '-deadline', 'realtime', '-c:a', 'libopus'],
  avi: ['video/x-msvideo', '-c:v', 'mpeg4', '-c:a', 'libmp3lame'],
  '3gp': ['video/3gpp', ...h264, '-c:a', 'aac'],
  flv: ['video/x-flv', '-c:v', 'flv', '-c:a', 'libmp3lame'],
  wmv: ['video/x-ms-asf', '-c:v', 'wmv2', '-c:a', 'wmav2'],
  mpg: ['video/mpeg', '-c:v', 'mpeg2video', '-r', '25', '-c:a', 'mp2', '-f', 'mpeg'],
  ts: ['video/mp2t', ...h264, '-c:a', 'aac'],
  mp3: ['audio/mpeg', '-vn', '-c:a', 'libmp3lame', ...tags],
  m4a: ['audio/mp4', '-vn', '-c:a', 'aac', ...tags],
  aac: ['audio/aac', '-vn', '-c:a', 'aac', '-f', 'adts'],
  flac: ['audio/flac', '-vn', '-c:a', 'flac', ...tags],
  ogg: ['audio/ogg', '-vn', '-c:a', 'libvorbis', ...tags],
  wav: ['audio/wav', '-vn', '-c:a', 'pcm_s16le', ...tags],
  wma: ['audio/x-ms-asf', '-vn', '-c:a', 'wmav2', ...tags],
  aiff: ['audio/aiff', '-vn', '-c:a', 'pcm_s16be', ...tags],
  amr: ['audio/amr', '-vn', '-c:a', 'libopencore_amrnb', '-ac', '1', '-ar', '8000', '-b:a', '12.2k'],
} as const

/** Films and sounds of one second. */
export const timedFormats: Readonly<Record<string, FuzzedFormat>> = Object.fromEntries(
  Object.entries(writers).map(([name, [declared, ...codecs]]) => [
    name,
    {
      declared,
      whole: async (bench) => readFile(await bench.film(`whole.${name}`, ...inputs, ...codecs, '-fflags', '+bitexact')),
      async faultOf({ inspection, files }) {
        // The picture in a sound may be what was damaged.
        const expected = inspection.recipes.filter((recipe) => recipe.name !== 'cover')
        if (files.length < expected.length) return `${files.length} of ${expected.length} renditions`
        for (const file of files) {
          const fault = await faultOf(file)
          if (fault) return `${file.recipe.name} ${fault}`
        }
        return undefined
      },
    } satisfies FuzzedFormat,
  ]),
)

/** Decodes what was encoded anew to its end; a copy keeps the damage inside its frames, as players do. */
async function faultOf({ path, bytes, mediaType, recipe, properties }: ConvertedFile): Promise<string | undefined> {
  const file = await readFile(path)
  if (file.length === 0 || file.length !== bytes) return `has ${file.length} bytes, not ${bytes}`
  try {
    if (mediaType.startsWith('image/')) await sharp(path, { failOn: 'warning' }).raw().toBuffer()
    else if (mediaType === 'application/json') JSON.parse(file.toString())
    else if (/^(video|audio)\//.test(mediaType)) {
      const isCopy = recipe.options.copy === true || recipe.options.from === 'mp4' || properties.remuxed === true
      const strict = isCopy ? [] : ['-xerror']
      const words = [...strict, ...inputArgs(path, mediaType, { threads: 1 }), '-f', 'null', 'pipe:1']
      await ffmpeg.run(words, { signal: never(), wallMsMax: 60_000 })
    }
    return undefined
  } catch (error) {
    return `cannot be decoded: ${String(error)}`
  }
}
