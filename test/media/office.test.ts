import { expect, test } from '@jest/globals'
import { oleOf, zipOf } from './archives.ts'
import { programsOf } from './programs.ts'
import { converter, never, workbench } from './workbench.ts'

async function inspected(bytes: Buffer | string, declared = 'application/octet-stream') {
  await using bench = await workbench()
  const source = { path: await bench.write('file', bytes), mediaType: declared, bytes: bytes.length }
  return await converter.inspect(source, never())
}

const part = (name: string, content: string | Buffer = '<a/>') => ({ name, content })
const core = part(
  'docProps/core.xml',
  '<cp:coreProperties><dc:title>Two hulls &amp; a deck</dc:title><dc:creator xml:lang="fr">L&#233;a</dc:creator></cp:coreProperties>',
)
const officeParts = (folder: string, app = '') => [
  part('[Content_Types].xml', '<Types/>'),
  part('_rels/.rels'),
  core,
  part('docProps/app.xml', `<Properties>${app}</Properties>`),
  part(`${folder}main.xml`),
]
const openXml = 'application/vnd.openxmlformats-officedocument'
const about = { title: 'Two hulls & a deck', author: 'Léa' }

test.each([
  ['docx', officeParts('word/', '<Pages>12</Pages>'), `${openXml}.wordprocessingml.document`, { ...about, pages: 12 }],
  ['xlsx', officeParts('xl/'), `${openXml}.spreadsheetml.sheet`, about],
  [
    'pptx',
    officeParts('ppt/', '<Slides>7</Slides>'),
    `${openXml}.presentationml.presentation`,
    { ...about, slides: 7 },
  ],
  [
    'docm',
    [...officeParts('word/'), part('word/vbaProject.bin')],
    'application/vnd.ms-word.document.macroenabled.12',
    about,
  ],
])(
  'a %s is typed by its parts, whatever their order, and told apart by what it says of itself',
  async (_, parts, mediaType, properties) => {
    for (const order of [parts, [...parts].reverse()]) {
      const found = await inspected(zipOf(order), 'application/zip')
      expect({ ...found, mediaType: found.mediaType.toLowerCase() }).toEqual({
        mediaType,
        kind: 'document',
        properties,
        recipes: [],
      })
    }
  },
)

const openDocument = 'application/vnd.oasis.opendocument'
const meta = part(
  'meta.xml',
  '<office:meta><meta:initial-creator>Léa</meta:initial-creator><dc:creator>Zoe</dc:creator><dc:title>Two hulls</dc:title><meta:document-statistic meta:page-count="3"/></office:meta>',
)

test.each(['text', 'spreadsheet', 'presentation'])(
  'an OpenDocument %s is typed by what it states, wherever that lies',
  async (name) => {
    const mimetype = { name: 'mimetype', content: `${openDocument}.${name}`, isStored: true }
    const [first, last] = [
      [mimetype, meta],
      [meta, { ...mimetype, isStored: false }],
    ]
    for (const parts of [first, last]) {
      expect(await inspected(zipOf(parts))).toEqual({
        mediaType: `${openDocument}.${name}`,
        kind: 'document',
        properties: { title: 'Two hulls', author: 'Léa', pages: 3 },
        recipes: [],
      })
    }
  },
)

test('an EPUB is a document with the title of the book', async () => {
  const parts = [
    { name: 'mimetype', content: 'application/epub+zip', isStored: true },
    part('META-INF/container.xml', '<container><rootfile full-path="OEBPS/book.opf"/></container>'),
    part(
      'OEBPS/book.opf',
      '<package><metadata><dc:title id="t">Outrigger</dc:title><dc:creator>Zoe</dc:creator></metadata></package>',
    ),
  ]
  expect(await inspected(zipOf(parts))).toMatchObject({
    mediaType: 'application/epub+zip',
    kind: 'document',
    properties: { title: 'Outrigger', author: 'Zoe' },
  })
})

test('an RTF file is one', async () => {
  const found = await inspected('{\\rtf1\\ansi Two hulls}', 'text/plain')
  expect(found).toEqual({ mediaType: 'application/rtf', kind: 'document', properties: {}, recipes: [] })
})

const root = (child: number) => ({ name: 'Root Entry', child })

test.each([
  [
    'doc',
    [root(2), { name: '1Table' }, { name: 'Data', left: 1, right: 3 }, { name: 'WordDocument' }],
    'application/msword',
  ],
  ['xls', [root(1), { name: 'Workbook' }], 'application/vnd.ms-excel'],
  ['ppt', [root(1), { name: 'PowerPoint Document' }], 'application/vnd.ms-powerpoint'],
  [
    'doc with a table inside',
    [
      root(1),
      { name: 'ObjectPool', child: 2, right: 3 },
      { name: 'Workbook' },
      { name: 'x' },
      { name: 'y' },
      { name: 'WordDocument' },
    ].map((entry, index) => (index === 3 ? { ...entry, right: 5 } : entry)),
    'application/msword',
  ],
  ['installer', [root(1), { name: 'SummaryInformation' }], 'application/x-cfb'],
])('a %s of the old Office is typed by the streams that lie directly in it', async (_, entries, mediaType) => {
  const found = await inspected(oleOf(entries))
  expect(found).toEqual({ mediaType, kind: 'document', properties: {}, recipes: [] })
})

test('an Office file with a password says so', async () => {
  const bytes = oleOf([root(1), { name: 'EncryptedPackage' }])
  const properties = { encrypted: true, note: 'The document asks for a password' }
  expect(await inspected(bytes)).toEqual({ mediaType: 'application/x-cfb', kind: 'document', properties, recipes: [] })
})

test('directories that lie or go round in circles are left at that', async () => {
  const circle = oleOf([root(1), { name: 'a', left: 1, right: 2 }, { name: 'b', left: 1, right: 0 }])
  expect(await inspected(circle)).toMatchObject({ mediaType: 'application/x-cfb', properties: {} })
  const parts = officeParts('word/')
  for (const lie of [{ packedBytes: 0xffffffff }, { at: 0xfffffff0 }, { at: 3 }, { packedBytes: 5 }]) {
    const lying = parts.map((each) => (each === core ? { ...core, lie } : each))
    expect(await inspected(zipOf(lying.reverse()))).toMatchObject({ kind: 'document', properties: {} })
  }
})

test.each(['docProps/core.xml', '[Content_Types].xml', 'mimetype'])(
  'a zip whose %s would grow a thousandfold is not unpacked, nor are zips in zips',
  async (name) => {
    const bomb = { name, content: Buffer.alloc(50 * 2 ** 20, ' ') }
    const packed = zipOf([bomb, ...officeParts('word/').filter((each) => each.name !== name)])
    const nested = zipOf([part('a.zip', zipOf([part('b.zip', packed)]))])
    for (const bytes of [packed, nested]) {
      await inspected(bytes)
      const [held, began] = [process.memoryUsage().rss, performance.now()]
      const programs = await programsOf(async () => {
        const { recipes, properties } = await inspected(bytes)
        expect(recipes).toEqual([])
        expect(JSON.stringify(properties).length).toBeLessThan(100)
      })
      expect(programs).toEqual([])
      expect(performance.now() - began).toBeLessThan(300)
      expect(process.memoryUsage().rss - held).toBeLessThan(40 * 2 ** 20)
    }
  },
)
