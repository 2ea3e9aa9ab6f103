import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { mediaConverter } from '../../shared/media/converter.ts'
import { ffmpegRunner } from '../../shared/media/ffmpeg.ts'
import { findFfmpeg } from '../../shared/media/ffmpeg-path.ts'
import { findHeifDecoder } from '../../shared/media/heif-path.ts'
import type { ConvertedFile, Inspection } from '../../shared/ports/media-converter.ts'

const found = findFfmpeg({})
if (!found) throw new Error('The ffmpeg that npm installs is missing')
export const ffmpegPath: string = found
/** What converts may be another one, such as `npm run build:ffmpeg` makes; files to convert are made by npm's. */
export const ffmpeg = ffmpegRunner({ path: process.env.FFMPEG_TESTED ?? ffmpegPath })
export const converter = mediaConverter({ ffmpeg, heifDecoder: findHeifDecoder() })

export const never = (): AbortSignal => new AbortController().signal

export interface Workbench extends AsyncDisposable {
  readonly folder: string
  at(name: string): string
  write(name: string, bytes: Uint8Array | string): Promise<string>
  /** Makes a file with ffmpeg; the arguments stand between the global options and the output. */
  film(name: string, ...args: readonly string[]): Promise<string>
}

export async function workbench(): Promise<Workbench> {
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-media-'))
  const at = (name: string): string => join(folder, name)
  return {
    folder,
    at,
    write: async (name, bytes) => {
      await writeFile(at(name), bytes)
      return at(name)
    },
    film: async (name, ...args) => {
      await promisify(execFile)(ffmpegPath, ['-nostdin', '-loglevel', 'error', '-y', ...args, at(name)])
      return at(name)
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

let runs = 0

/** Inspects and converts a file, in a fresh work folder beside it. */
export async function run(
  path: string,
  declared = 'application/octet-stream',
  by = converter,
): Promise<{ inspection: Inspection; files: readonly ConvertedFile[]; workFolder: string }> {
  const signal = never()
  const source = { path, mediaType: declared, bytes: (await stat(path)).size }
  const inspection = await by.inspect(source, signal)
  const workFolder = `${path}-${++runs}`
  await mkdir(workFolder)
  return { inspection, files: await by.convert(source, inspection, { workFolder, signal }), workFolder }
}

export const named = (files: readonly ConvertedFile[], name: string): ConvertedFile => {
  const file = files.find(({ recipe }) => recipe.name === name)
  if (!file) throw new Error(`No ${name} among ${files.map(({ recipe }) => recipe.name).join(', ')}`)
  return file
}

/** Marks the first track of an MP4 file as turned, in its header's matrix (ISO/IEC 14496-12, 8.3.2). */
export async function turn(path: string, degrees: 90 | 270): Promise<string> {
  const bytes = await readFile(path)
  const matrix = bytes.indexOf('tkhd', 0, 'latin1') + 44
  const one = degrees === 90 ? 0x10000 : -0x10000
  for (const [index, value] of [0, one, 0, -one, 0, 0, 0, 0, 0x40000000].entries()) {
    bytes.writeInt32BE(value, matrix + index * 4)
  }
  await writeFile(path, bytes)
  return path
}
