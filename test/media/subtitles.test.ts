import { readFile } from 'node:fs/promises'
import { describe, expect, test } from '@jest/globals'
import { parseCues, writeVtt } from '../../shared/media/subtitles.ts'
import { named, run, workbench } from './workbench.ts'

const film = `1
00:00:01,000 --> 00:00:02,500
Hello <b>there</b> & <font color="#f00">you</font>

2
00:00:03,000 --> 00:00:05,000
{\\an8}Second line
and <script>alert(1)</script> more
`

describe('SubRip', () => {
  test('becomes WebVTT, with its bold words and without whatever else was in it', () => {
    expect(writeVtt(parseCues(film))).toBe(`WEBVTT

00:00:01.000 --> 00:00:02.500
Hello <b>there</b> &amp; you

00:00:03.000 --> 00:00:05.000
Second line
and alert(1) more
`)
  })

  test.each([
    ['Windows line ends', film.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${film}`],
    ['no numbers', film.replaceAll(/^\d\n/gm, '')],
    ['points for commas', film.replaceAll(/(\d),(\d)/g, '$1.$2')],
    ['places after the times', film.replaceAll(/(-->.*)/g, '$1 X1:100 X2:200 Y1:1 Y2:9')],
    ['the cues the other way round', film.split('\n\n').toReversed().join('\n\n')],
    ['the form of WebVTT', `WEBVTT - a title\n\nNOTE\nnothing\n\n${film.replaceAll(/(\d),(\d)/g, '$1.$2')}`],
  ])('is read with %s', (_, text) => {
    expect(parseCues(text)).toEqual(parseCues(film))
  })

  test('without sense gives no cue, and text that looks like a time none of its own', () => {
    for (const text of ['', 'hello', '1\n00:00:02,000 --> 00:00:01,000\nbackwards\n', '1\n99:99:99,999 --> x\nno\n']) {
      expect(parseCues(text)).toEqual([])
    }
    const [cue] = parseCues('1\n00:00:01,000 --> 00:00:02,000\nfrom --> to\n')
    expect(cue?.text).toBe('from --&gt; to')
  })

  test.each([
    ['endless tags', '<b'.repeat(500_000)],
    ['endless braces', '{'.repeat(1_000_000)],
    ['a million times', '00:00:01,000 --> 00:00:02,000\nx\n\n'.repeat(100_000)],
    ['a line without end', `00:00:01,000 -->${' '.repeat(1_000_000)}x`],
    ['one cue without end', `00:00:01,000 --> 00:00:02,000\n${'x\n'.repeat(500_000)}`],
    ['digits', '1'.repeat(1_000_000)],
  ])('made of %s takes little time and room', (_, text) => {
    const start = process.cpuUsage()
    const cues = parseCues(`${film}\n${text}`)
    // Processor time, since others share the machine.
    expect(process.cpuUsage(start).user).toBeLessThan(1_500_000)
    expect(cues.length).toBeLessThanOrEqual(50_000)
    expect(Math.max(...cues.map((cue) => cue.text.length))).toBeLessThanOrEqual(12_000)
  })
})

test.each([
  ['film.srt', film, 'application/x-subrip'],
  ['film.vtt', writeVtt(parseCues(film)), 'text/vtt'],
])('%s is an asset of its own and becomes captions', async (name, text, mediaType) => {
  await using bench = await workbench()
  const { inspection, files } = await run(await bench.write(name, text), 'text/plain')
  expect(inspection).toMatchObject({ mediaType, kind: 'document', properties: { cues: 2, durationMs: 5000 } })
  expect(await readFile(named(files, 'captions').path, 'utf8')).toBe(writeVtt(parseCues(film)))
  expect(named(files, 'captions').mediaType).toBe('text/vtt')
})

test('subtitles in another encoding are read as what they mean', async () => {
  await using bench = await workbench()
  const text = film.replace('there', 'thére')
  for (const [name, bytes] of [
    ['latin.srt', Buffer.from(text, 'latin1')],
    ['wide.srt', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])],
  ] as const) {
    const { files } = await run(await bench.write(name, bytes))
    expect(await readFile(named(files, 'captions').path, 'utf8')).toContain('thére')
  }
})
