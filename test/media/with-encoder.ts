import { expect, test } from '@jest/globals'
import type { StreamCodec } from '../../shared/domain/stream-codecs.ts'
import { mediaConverter } from '../../shared/media/converter.ts'
import { canEncode } from '../../shared/media/ffmpeg-abilities.ts'
import { h264 } from './film-bench.ts'
import { ffmpeg, run, workbench } from './workbench.ts'

const encoders: Readonly<Record<StreamCodec, string>> = { hevc: 'libx265', av1: 'libaom-av1' }

/**
 * A test of streams in a codec. The program that `FFMPEG_TESTED` names, which is built with what the functions use alone, may lack
 * its encoder: then that a stream goes without is shown in its place. npm's must have it.
 */
export async function testWith(codec: StreamCodec, name: string, body: () => Promise<void>, msMax: number) {
  if (process.env.FFMPEG_TESTED === undefined || (await canEncode(ffmpeg, encoders[codec]))) {
    test(name, body, msMax)
    return
  }
  test(
    `${name}: not by this ffmpeg, so a stream goes without ${codec}`,
    async () => {
      await using bench = await workbench()
      const film = await bench.film('film.mkv', '-f', 'lavfi', '-i', 'testsrc=s=480x400:r=5:d=9', ...h264)
      const { files } = await run(film, undefined, mediaConverter({ ffmpeg, codecs: [codec] }))
      const streams = files.map(({ recipe }) => recipe.name).filter((one) => one.startsWith('cmaf-'))
      expect(streams.toSorted()).toEqual(['cmaf-h264-270', 'cmaf-h264-400'])
    },
    msMax,
  )
}
