import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import type { RowItem, RowOptions } from '../../shared/data/row.ts'
import { rowsOf } from '../../shared/data/rows.ts'
import { unpacked } from '../../shared/data/unpack.ts'

/** Chunks of random-looking sizes, so that every boundary is met. */
async function* chunks(bytes: Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(data: string | Uint8Array, options: RowOptions, size?: number): Promise<RowItem[]> {
  const items: RowItem[] = []
  for await (const item of rowsOf(chunks(Buffer.from(data), size), options)) items.push(item)
  return items
}

const csv: RowOptions = { format: 'csv' }
const rows = (items: readonly RowItem[]): unknown[] => items.flatMap((item) => ('row' in item ? [item.row] : []))

test('quotes, line ends inside quotes, empty lines and the three line ends', async () => {
  const text = 'a,b\r\n1,"x, ""y"""\r\n\r\n2,"two\nlines"\r\n3,plain'
  expect(await read(text, csv)).toEqual([
    { line: 2, row: { a: '1', b: 'x, "y"' } },
    { line: 4, row: { a: '2', b: 'two\nlines' } },
    { line: 6, row: { a: '3', b: 'plain' } },
  ])
  expect(rows(await read('a,b\n1,2\n', csv))).toEqual([{ a: '1', b: '2' }])
  expect(rows(await read('a,b\r1,2\r3,4', csv))).toEqual([
    { a: '1', b: '2' },
    { a: '3', b: '4' },
  ])
})

test.each([',', ';', '\t', '|'])('the delimiter %j is found, also beside others inside quotes', async (delimiter) => {
  const text = [
    ['name', 'size'],
    ['"a,b;c|d"', '1'],
    ['e', '2'],
  ]
    .map((row) => row.join(delimiter))
    .join('\n')
  expect(rows(await read(text, csv))).toEqual([
    { name: 'a,b;c|d', size: '1' },
    { name: 'e', size: '2' },
  ])
})

test.each([
  ['UTF-8 with a mark', Buffer.from('\ufeffstadt,zahl\nMünchen,1\n')],
  ['UTF-8', Buffer.from('stadt,zahl\nMünchen,1\n')],
  ['UTF-16 little end first with a mark', Buffer.from('\ufeffstadt,zahl\nMünchen,1\n', 'utf16le')],
  ['UTF-16 little end first', Buffer.from('stadt,zahl\nMünchen,1\n', 'utf16le')],
  ['UTF-16 big end first with a mark', Buffer.from('\ufeffstadt,zahl\nMünchen,1\n', 'utf16le').swap16()],
  ['Windows-1252', Buffer.from('stadt,zahl\nMünchen,1\n', 'latin1')],
  ['gzip', gzipSync('stadt,zahl\nMünchen,1\n')],
  ['zstd', zstdCompressSync(Buffer.from('stadt,zahl\nMünchen,1\n'))],
  ['gzip in two members', Buffer.concat([gzipSync('stadt,zahl\nMün'), gzipSync('chen,1\n')])],
  [
    'zstd in two frames',
    Buffer.concat([zstdCompressSync(Buffer.from('stadt,zahl\nMün')), zstdCompressSync(Buffer.from('chen,1\n'))]),
  ],
])('%s is read', async (_, bytes) => {
  expect(rows(await read(bytes, csv, 64))).toEqual([{ stadt: 'München', zahl: '1' }])
})

test('the header is tidied, and a file without one keeps its first row', async () => {
  const [first] = rows(await read(' a ,a,,"b\nc",__proto__,constructor,a_2\n1,2,3,4,5,6,7\n', csv))
  expect(Object.keys(Object(first))).toEqual(['a', 'a_2', 'column_3', 'b c', '__proto__', 'constructor', 'a_2_2'])
  expect(Object.getPrototypeOf(first)).toBe(Object.prototype)
  expect(rows(await read('1,2020-01-01\n2,2020-01-02\n', csv))).toEqual([
    { column_1: '1', column_2: '2020-01-01' },
    { column_1: '2', column_2: '2020-01-02' },
  ])
})

test('ragged rows are reported with their line and the rest goes on', async () => {
  const items = await read('a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11,12\n', csv)
  expect(items).toEqual([
    { line: 2, row: { a: '1', b: '2', c: '3' } },
    { line: 3, error: 'The row has 2 fields, the header has 3' },
    { line: 4, error: 'The row has 4 fields, the header has 3' },
    { line: 5, row: { a: '10', b: '11', c: '12' } },
  ])
})

test('a quote that never ends is reported and does not fill the memory', async () => {
  const text = `a,b\n1,2\n3,"open\n${'x,y\n'.repeat(600_000)}`
  const before = process.memoryUsage().rss
  const items = await read(text, csv, 65_536)
  expect(items[0]).toEqual({ line: 2, row: { a: '1', b: '2' } })
  expect(items.some((item) => 'error' in item)).toBe(true)
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 ** 2)
})

test('types apply cell by cell, and what does not fit stays text', async () => {
  const types = { n: 'integer', f: 'number', b: 'boolean', code: 'string' } as const
  const items = await read('n,f,b,code\n1,1.5,TRUE,007\n,,,\nx,1e3,maybe,1\n', { format: 'csv', types })
  expect(rows(items)).toEqual([
    { n: 1, f: 1.5, b: true, code: '007' },
    { n: null, f: null, b: null, code: null },
    { n: 'x', f: 1000, b: 'maybe', code: '1' },
  ])
})

test('NDJSON: bad lines, non-objects and endless lines are reported', async () => {
  const long = `{"x":"${'a'.repeat(1_100_000)}"}`
  const items = await read(`\ufeff{"a":1}\n\n[1]\n{"a":\n${long}\n{"é":"ü"}`, { format: 'ndjson' }, 10_007)
  expect(items).toEqual([
    { line: 1, row: { a: 1 } },
    { line: 3, error: 'The row is no JSON object' },
    { line: 4, error: expect.stringContaining('no valid JSON') },
    { line: 5, error: expect.stringContaining('longer') },
    { line: 6, row: { é: 'ü' } },
  ])
})

test('a JSON array is cut into its objects wherever the chunks end', async () => {
  const value = [{ a: '}{][",\\"', b: [{ c: 1 }] }, {}, { 'k"]': { d: [] } }]
  const text = JSON.stringify(value, null, 2)
  for (const size of [1, 3, 8, 1000]) expect(rows(await read(text, { format: 'json' }, size))).toEqual(value)
  expect((await read(text, { format: 'json' }))[1]).toEqual({ line: 10, row: {} })
  expect(await read('[{"a":01},{"b":2},[3]]', { format: 'json' })).toEqual([
    { line: 1, error: expect.stringContaining('no valid JSON') },
    { line: 1, row: { b: 2 } },
    { line: 1, error: 'The row is no JSON object' },
  ])
})

test.each(['[{"a":1}', '{"a":1}', '[1,2]', '[{"a":1}] x', '', '[{"a":"'])(
  '%j is no JSON array of objects',
  async (text) => {
    const reading = read(text, { format: 'json' })
    await expect(reading).rejects.toMatchObject({ code: 'invalid-media' })
  },
)

const text = Buffer.from(Array.from({ length: 5_000 }, (_, index) => `${index},${index ** 2}\n`).join(''))

test.each([
  ['gzip', gzipSync(text)],
  ['zstd', zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })],
])('damaged and cut off %s is refused', async (_, packed) => {
  const refused = { code: 'invalid-media' }
  for (const cut of [6, 30, packed.length - 300]) {
    await expect(read(packed.subarray(0, packed.length - cut), csv, 64)).rejects.toMatchObject(refused)
  }
  const turned = Buffer.from(packed)
  for (let at = 200; at < 260; at++) turned[at] = 255 - (turned[at] ?? 0)
  await expect(read(turned, csv, 4_096)).rejects.toMatchObject(refused)
})

test.each([
  ['gzip', gzipSync(Buffer.alloc(64 * 1024 ** 2, 'a,b\n'))],
  ['zstd', zstdCompressSync(Buffer.alloc(64 * 1024 ** 2, 'a,b\n'))],
])('a bomb of %s is refused before it has unpacked', async (_, part) => {
  let unpackedBytes = 0
  const unpacking = (async () => {
    for await (const chunk of unpacked(chunks(Buffer.concat(new Array(200).fill(part)), 65_536)))
      unpackedBytes += chunk.length
  })()
  await expect(unpacking).rejects.toThrow('more than 200 times its size')
  expect(unpackedBytes).toBeLessThan(300 * 1024 ** 2)
})

test('rows that no record can hold are reported with the reason', async () => {
  const lines = [
    `{"deep":${'['.repeat(70)}${']'.repeat(70)}}`,
    '{"half":"\\ud800"}',
    '{"huge":1e999}',
    `{"wide":"${'ü'.repeat(200_000)}"}`,
    '{"fine":1}',
  ]
  expect(await read(lines.join('\n'), { format: 'ndjson' }, 100_000)).toEqual([
    { line: 1, error: 'The row is nested more than 64 deep' },
    { line: 2, error: 'The row holds text that is no valid Unicode' },
    { line: 3, error: 'The row holds a number that is too large' },
    { line: 4, error: 'The row has 400011 bytes of JSON, a record holds 350000' },
    { line: 5, row: { fine: 1 } },
  ])
  const bomb = `{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`
  expect(await read(bomb, { format: 'ndjson' }, 100_000)).toEqual([
    { line: 1, error: expect.stringMatching(/nested|JSON/) },
  ])
  expect(await read(`a,b\n1,${'"'.repeat(2)}\n2,${'x'.repeat(360_000)}\n`, csv, 100_000)).toEqual([
    { line: 2, row: { a: '1', b: null } },
    { line: 3, error: expect.stringContaining('a record holds 350000') },
  ])
})

test('a reader that stops early ends the source', async () => {
  for (const format of ['csv', 'ndjson', 'json'] as const) {
    let ended = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        if (format === 'json') yield Buffer.from('[')
        for (;;) yield Buffer.from(format === 'csv' ? 'a,b\n' : format === 'json' ? '{"a":1},' : '{"a":1}\n')
      } finally {
        ended = true
      }
    }
    let count = 0
    for await (const _ of rowsOf(endless(), { format })) if (++count === 3) break
    await new Promise((resolve) => setImmediate(resolve))
    expect([format, ended]).toEqual([format, true])
  }
})

test('a source that fails, fails the reader', async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('a,b\n1,2\n')
    throw new Error('the store went away')
  }
  for (const format of ['csv', 'ndjson'] as const) {
    const reading = (async () => {
      for await (const _ of rowsOf(failing(), { format }));
    })()
    await expect(reading).rejects.toThrow('the store went away')
  }
})
