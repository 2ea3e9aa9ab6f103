import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import { mediaConverter } from '../../shared/media/converter.ts'
import { fakeConverter } from '../core/ingest-world.ts'
import { converter, workbench } from '../media/workbench.ts'
import { converterSuite } from './converter-suite.ts'

const picture = async (): Promise<Uint8Array> =>
  sharp({
    create: { width: 700, height: 300, channels: 3, background: '#357', noise: { type: 'gaussian', mean: 120 } },
  })
    .png()
    .toBuffer()

const sound = async (): Promise<Uint8Array> => {
  await using bench = await workbench()
  return await readFile(await bench.film('tone.wav', '-f', 'lavfi', '-i', 'sine=d=1', '-bitexact'))
}

converterSuite('pictures', async () => {
  const bytes = await picture()
  const bad = bytes.subarray(0, bytes.length / 2)
  return { converter: mediaConverter({ ffmpeg: undefined }), good: { bytes, mediaType: 'image/png' }, bad }
})

converterSuite('sounds', async () => {
  const bytes = await sound()
  return { converter, good: { bytes, mediaType: 'audio/wav' }, bad: Buffer.from('502 Bad Gateway') }
})

converterSuite('the double of other tests', async () => ({
  converter: fakeConverter,
  good: { bytes: Buffer.from('a picture'), mediaType: 'image/jpeg' },
  bad: Buffer.from('BAD picture'),
}))
