import { expect, test } from '@jest/globals'
import { assertGuarded, inputArgs } from '../../shared/media/ffmpeg-input.ts'
import { ffmpeg, never } from './workbench.ts'

const input = inputArgs('/folder/film', 'video/mp4', { threads: 1 })

test('inputs that are opened in the one way pass, one or several', () => {
  expect(() => assertGuarded([...input, ...input, '-f', 'null', 'pipe:1'])).not.toThrow()
  expect(() => assertGuarded(['-filters'])).not.toThrow()
})

const without = (word: string): string[] => input.toSpliced(input.indexOf(word), 2)
const withValue = (word: string, value: string): string[] => input.with(input.indexOf(word) + 1, value)

test.each([
  ['no list of protocols', without('-protocol_whitelist')],
  ['a protocol more', withValue('-protocol_whitelist', 'file,pipe,http')],
  ['no list of formats', without('-format_whitelist')],
  ['no demuxer', without('-f')],
  ['no limit of pixels', without('-max_pixels')],
  ['a URL', withValue('-i', 'http://127.0.0.1/film.mp4')],
  ['a path without its protocol', withValue('-i', '/folder/film')],
  ['a relative path', withValue('-i', 'file:film')],
  ['only its first input guarded', [...input, '-i', 'file:/folder/other']],
])('a call with %s is not made', async (_, words) => {
  const work = ffmpeg.run([...words, '-f', 'null', 'pipe:1'], { signal: never(), wallMsMax: 5_000 })
  await expect(work).rejects.toMatchObject({ code: 'internal' })
})
