/** `node job-child.ts PATH TYPE FOLDER`: makes of one file all that a job makes of it. Without a path it does nothing. */
import { stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { mediaConverter } from '../../shared/media/converter.ts'
import { findFfmpeg } from '../../shared/media/ffmpeg-path.ts'
import { ffmpegRunner } from '../../shared/media/ffmpeg.ts'

const idleMs = 500
const [path = '', mediaType = '', workFolder = ''] = process.argv.slice(2)
const { signal } = new AbortController()
const ffmpegPath = findFfmpeg({ searchPath: process.env['PATH'] })
const converter = mediaConverter({ ffmpeg: ffmpegPath === undefined ? undefined : ffmpegRunner({ path: ffmpegPath }) })
if (path === '') await sleep(idleMs)
else {
  const source = { path, mediaType, bytes: (await stat(path)).size }
  const inspection = await converter.inspect(source, signal)
  await converter.convert({ ...source, mediaType: inspection.mediaType }, inspection, { workFolder, signal })
}
