import { Conversion, FilePathTarget, Mp4OutputFormat, Output } from 'mediabunny'
import { decoding, invalidMedia } from './reasons.ts'
import { openInput } from './track-probe.ts'

/** The index goes in front of the media, for which the copier keeps the media in memory; above this ffmpeg does it. */
export const remuxBytesMax = 128 * 1024 ** 2

/** Copies the packets of the first video and audio track into an MP4 with its index in front; no re-encoding, no tags. */
export async function remuxToMp4(
  path: string,
  target: string,
  options: { readonly signal: AbortSignal; readonly onProgress?: (fraction: number) => void },
): Promise<void> {
  await decoding('The media', options.signal, async () => {
    using input = openInput(path)
    const format = new Mp4OutputFormat({ fastStart: 'in-memory' })
    const output = new Output({ format, target: new FilePathTarget(target) })
    const conversion = await Conversion.init({ input, output, tracks: 'primary', tags: {}, showWarnings: false })
    if (!conversion.isValid || conversion.discardedTracks.length > 0)
      throw invalidMedia('The tracks cannot be copied into MP4')
    if (options.onProgress) conversion.onProgress = options.onProgress
    const cancel = (): void => void conversion.cancel()
    options.signal.addEventListener('abort', cancel, { once: true })
    try {
      await conversion.execute()
    } finally {
      options.signal.removeEventListener('abort', cancel)
    }
  })
}
