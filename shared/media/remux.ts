import { Conversion, FilePathTarget, Mp4OutputFormat, Output } from 'mediabunny'
import { invalidMedia } from './reasons.ts'
import { openInput } from './track-probe.ts'

/** Copies the packets of the first video and audio track into an MP4 with its index in front; no re-encoding, no tags. */
export async function remuxToMp4(path: string, target: string, onProgress: (fraction: number) => void): Promise<void> {
  using input = openInput(path)
  const format = new Mp4OutputFormat({ fastStart: 'in-memory' })
  const output = new Output({ format, target: new FilePathTarget(target) })
  const conversion = await Conversion.init({ input, output, tracks: 'primary', tags: {}, showWarnings: false })
  if (!conversion.isValid || conversion.discardedTracks.length > 0)
    throw invalidMedia('The tracks cannot be copied into MP4')
  conversion.onProgress = onProgress
  await conversion.execute()
}
