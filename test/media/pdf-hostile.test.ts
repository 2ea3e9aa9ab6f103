import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { containerReader } from '../../shared/media/container-reader.ts'
import { letter, lines, pagesPdf, pdfOf, streamOf } from './pdfs.ts'
import { converter, never, run, workbench } from './workbench.ts'

const catalog = '<< /Type /Catalog /Pages 2 0 R >>'
const onePage = '<< /Type /Pages /Count 1 /Kids [3 0 R] >>'
const page =
  '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R /Resources << /XObject << /X 5 0 R >> >> >>'
const form = '/Type /XObject /Subtype /Form /BBox [0 0 99 99]'
const locked = (filter: string): Buffer =>
  pagesPdf({ pages: [lines('a')], more: [`<< /Filter ${filter} >>`], trailer: '/Encrypt 4 0 R /ID [<00> <00>]' })

async function inspected(bytes: Buffer, declared = 'application/pdf') {
  await using bench = await workbench()
  const source = { path: await bench.write('file.pdf', bytes), mediaType: declared, bytes: bytes.length }
  return await converter.inspect(source, never())
}

test.each<[string, () => Buffer, RegExp]>([
  ['cut off in the middle', () => letter().subarray(0, 900), /The PDF is cut off/],
  ['nothing but an end', () => Buffer.from('%PDF-1.7\n\n%%EOF'), /The PDF is damaged/],
  ['without pages', () => pdfOf({ objects: [catalog, '<< /Type /Pages /Count 0 /Kids [] >>'] }), /no pages/],
  [
    'whose pages contain each other',
    () => pdfOf({ objects: [catalog, '<< /Type /Pages /Count 9 /Kids [2 0 R] >>'] }),
    /first page cannot be read/,
  ],
  [
    'whose drawings contain each other',
    () =>
      pdfOf({
        objects: [
          catalog,
          onePage,
          page,
          streamOf('/X Do'),
          streamOf('/X Do /X Do', `${form} /Resources << /XObject << /X 5 0 R >> >>`),
        ],
      }),
    /more memory than is allowed/,
  ],
])('a PDF %s is refused with the reason', async (_, bytes, reason) => {
  await expect(inspected(bytes())).rejects.toMatchObject({
    code: 'invalid-media',
    message: expect.stringMatching(reason),
  })
})

test.each([
  ['a password', `/Standard /V 1 /R 2 /O <${'11'.repeat(32)}> /U <${'22'.repeat(32)}> /P -4`],
  ['a certificate', '/Adobe.PubSec /V 4 /SubFilter /adbe.pkcs7.s5'],
])('a PDF that asks for %s is stored, and says so', async (_, filter) => {
  expect(await inspected(locked(filter))).toEqual({
    mediaType: 'application/pdf',
    kind: 'document',
    properties: { encrypted: true, note: expect.stringMatching(/password/) },
    recipes: [],
  })
})

test.each<[string, () => Buffer, object]>([
  ['a page of five metres', () => pagesPdf({ pages: [lines('a')], size: [14_400, 14_400] }), { pageWidthPt: 14_400 }],
  [
    'what others wrote in front of it',
    () => Buffer.concat([Buffer.from('\r\nX-Mailer: boat\r\n'), letter()]),
    { pages: 2 },
  ],
  [
    'a list of objects that names itself as older',
    () => {
      const text = letter().toString('latin1')
      return Buffer.from(text.replace('/Size', `/Prev ${/startxref\n(\d+)/.exec(text)?.[1]} /Size`), 'latin1')
    },
    { pages: 2 },
  ],
  [
    'a million pages that are not there',
    () => Buffer.from(letter().toString('latin1').replace('/Count 2', '/Count 1000000'), 'latin1'),
    { pages: 1_000_000 },
  ],
])('a PDF with %s is read', async (_, bytes, properties) => {
  const { recipes, ...found } = await inspected(bytes())
  expect(found.properties).toMatchObject(properties)
  expect(recipes).toHaveLength(10)
})

test('a page like a thread has no picture, only text', async () => {
  const { properties, recipes } = await inspected(pagesPdf({ pages: [lines('a')], size: [14_400, 3] }))
  expect(properties).toMatchObject({ note: expect.stringMatching(/40 times/), pageHeightPt: 3 })
  expect(properties).not.toHaveProperty('thumbhash')
  expect(recipes.map(({ name }) => name)).toEqual(['text'])
})

test('three thousand pages are counted, and their text is read to its end', async () => {
  await using bench = await workbench()
  const pages = Array.from({ length: 3_000 }, (_, n) => `BT /F 9 Tf 9 9 Td (Page ${n}.) Tj ET`)
  const path = await bench.write('book.pdf', pagesPdf({ pages, size: [99, 3] }))
  const { inspection, files } = await run(path)
  expect(inspection.properties).toMatchObject({ pages: 3_000 })
  expect(
    (await readFile(files.find(({ recipe }) => recipe.name === 'text')?.path ?? '', 'utf8')).split('\f')[2_999],
  ).toBe('Page 2999.')
}, 30_000)

test('the text of a PDF that lies about its pages is that of those which are there', async () => {
  await using bench = await workbench()
  const bytes = pagesPdf({ pages: ['BT /F 9 Tf 9 9 Td (One.) Tj ET'], size: [999, 3] })
  const lying = bytes.toString('latin1').replace('/Count 1', '/Count 1000000')
  const { files } = await run(await bench.write('liar.pdf', Buffer.from(lying, 'latin1')))
  expect(files.map(({ properties }) => properties)).toEqual([{ characters: 4, pages: 101, unreadable: 100 }])
})

test('what a PDF would run or unfold is counted, and left alone', async () => {
  const more = [
    '<< /S /JavaScript /JS (app.alert\\(1\\)) >>',
    streamOf('MZ'),
    '<< /Type /Filespec /F (a.exe) /EF << /F 5 0 R >> >>',
  ]
  const catalog = '/Names << /JavaScript << /Names [(a) 4 0 R] >> /EmbeddedFiles << /Names [(a.exe) 6 0 R] >> >>'
  const { properties } = await inspected(pagesPdf({ pages: [lines('a')], catalog, more }))
  expect(properties).toMatchObject({ pages: 1, scripts: 1, attachments: 1 })
})

test('a scan, which has no text, gets none', async () => {
  await using bench = await workbench()
  const { files } = await run(await bench.write('scan.pdf', pagesPdf({ pages: ['0 0 9 9 re f'], size: [999, 3] })))
  expect(files).toEqual([])
})

test('what is declared as a PDF and is none is refused', async () => {
  const reason = (text: string) => ({ code: 'invalid-media', message: expect.stringContaining(text) })
  await expect(inspected(Buffer.from('<!DOCTYPE html><html></html>'))).rejects.toMatchObject(
    reason('holds text (text/html)'),
  )
  await expect(inspected(Buffer.from([1, 2, 3, 0, 255]))).rejects.toMatchObject(reason('its bytes are no PDF'))
})

test('a page that would be drawn for hours is broken off when nobody wants it any more', async () => {
  await using bench = await workbench()
  const pattern = '/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 1 1] /XStep 0.01 /YStep 0.01'
  const endless = pdfOf({
    objects: [
      catalog,
      onePage,
      '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9999 9999] /Contents 4 0 R /Resources << /Pattern << /P 5 0 R >> >> >>',
      streamOf('/Pattern cs /P scn 0 0 9999 9999 re f'),
      streamOf('0 0 1 1 re f', `${pattern} /Resources << >>`),
    ],
  })
  const reader = containerReader()
  const abort = new AbortController()
  const reason = new Error('the lease was lost')
  setTimeout(() => abort.abort(reason), 1_500)
  const drawing = reader.pdf(await bench.write('endless.pdf', endless), abort.signal)
  const next = reader.pdf(await bench.write('letter.pdf', letter()), never())
  await expect(drawing).rejects.toBe(reason)
  expect(await next).toMatchObject({ kind: 'open', pages: 2 })
  reader.close()
})
