import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import { XMLParser } from 'fast-xml-parser'
import { chance } from '../../local/samples/chance.ts'
import { writeCities, writeEvents } from '../../local/samples/tables.ts'
import { rowsOf } from '../../shared/data/rows.ts'
import { rowOptionsOf } from '../../shared/media/data.ts'
import type { Recipe } from '../../shared/ports/media-converter.ts'
import { named, run, workbench } from './workbench.ts'

const recipeNamed = (recipes: readonly Recipe[], name: string): Recipe => {
  const recipe = recipes.find((candidate) => candidate.name === name)
  if (!recipe) throw new Error(`No recipe ${name}`)
  return recipe
}

test('10,000 cities: columns, types, profile, and the rows by the recipe that the inspection gave', async () => {
  await using bench = await workbench()
  const path = bench.at('cities.csv')
  await writeCities(path)
  const { inspection, files } = await run(path, 'text/plain')
  expect(inspection).toMatchObject({
    mediaType: 'text/csv',
    kind: 'data',
    properties: { complete: true, delimiter: ',' },
  })
  expect(inspection.properties.columns).toEqual(
    Object.entries({
      id: 'integer',
      name: 'string',
      country: 'string',
      postal_code: 'string',
      population: 'integer',
      latitude: 'number',
      longitude: 'number',
      founded: 'date',
      capital: 'boolean',
      updated_at: 'datetime',
      notes: 'string',
    }).map(([name, type]) => ({ name, type })),
  )
  expect(inspection.recipes.map(({ name }) => name)).toEqual(['rows', 'profile', 'profile-chart', 'parquet', 'errors'])
  const profile = JSON.parse(await readFile(named(files, 'profile').path, 'utf8'))
  expect(profile).toMatchObject({ rows: 10_000, badRowCount: 0, columnsOmitted: 0 })
  expect(profile.columns[0]).toMatchObject({
    name: 'id',
    type: 'integer',
    min: 1,
    max: 10_000,
    mean: 5_000.5,
    missing: 0,
  })
  expect(profile.columns[3]).toMatchObject({ name: 'postal_code', type: 'string', lengthMin: 5, lengthMax: 5 })

  // Options travel as JSON in a job message.
  const recipe: Recipe = JSON.parse(JSON.stringify(recipeNamed(inspection.recipes, 'rows')))
  let rows = 0
  let line = 1
  for await (const item of rowsOf(createReadStream(path), rowOptionsOf(recipe))) {
    if (!('row' in item)) throw new Error(`Bad row at ${item.line}: ${item.error}`)
    expect(item.line).toBeGreaterThan(line)
    line = item.line
    rows++
    if (rows % 1000 !== 0) continue
    expect(item.row.id).toBe(rows)
    expect(item.row.postal_code).toMatch(/^\d{5}$/)
    expect(typeof item.row.capital).toBe('boolean')
  }
  expect(rows).toBe(10_000)
}, 60_000)

test.each([
  ['events.ndjson', 'application/x-ndjson', (text: string) => Buffer.from(text)],
  ['events.ndjson.gz', 'application/x-ndjson', (text: string) => gzipSync(text)],
  ['events.ndjson.zst', 'application/x-ndjson', (text: string) => zstdCompressSync(Buffer.from(text))],
  ['events.json', 'application/json', (text: string) => Buffer.from(`[${text.trim().split('\n').join(',\n')}]`)],
])(
  '%s is recognised and profiled',
  async (name, mediaType, pack) => {
    await using bench = await workbench()
    await writeEvents(bench.at('source'))
    const path = await bench.write(name, pack(await readFile(bench.at('source'), 'utf8')))
    const { inspection, files } = await run(path)
    expect(inspection).toMatchObject({ mediaType, kind: 'data', properties: { complete: true } })
    expect(inspection.properties.packing).toBe(
      name.endsWith('.gz') ? 'gzip' : name.endsWith('.zst') ? 'zstd' : undefined,
    )
    const profile = JSON.parse(await readFile(named(files, 'profile').path, 'utf8'))
    expect(profile.rows).toBe(2_000)
    const columns = Object.fromEntries(profile.columns.map((column: { name: string }) => [column.name, column]))
    expect(columns.at).toMatchObject({ type: 'datetime', min: '2026-11-01T00:00:00.000Z' })
    expect(columns.seconds).toMatchObject({ type: 'number' })
    expect(columns.mobile).toMatchObject({ type: 'boolean', distinct: 2 })
    expect(columns.referrer.missing).toBeGreaterThan(1_000)
    expect(columns.kind.top[0].value).toBe('view')
  },
  60_000,
)

test('bad rows are counted exactly and listed up to a bound', async () => {
  await using bench = await workbench()
  const lines = ['a,b']
  for (let index = 0; index < 30_000; index++) lines.push(index % 2 === 0 ? 'one' : `${index},x`)
  const { files } = await run(await bench.write('ragged.csv', lines.join('\n')), 'text/csv')
  const profile = JSON.parse(await readFile(named(files, 'profile').path, 'utf8'))
  expect(profile).toMatchObject({ rows: 15_000, badRowCount: 15_000 })
  const errors = named(files, 'errors')
  expect(errors).toMatchObject({ mediaType: 'application/x-ndjson', properties: { count: 15_000, listed: 10_000 } })
  const listed = (await readFile(errors.path, 'utf8')).trimEnd().split('\n')
  expect(listed).toHaveLength(10_000)
  expect(JSON.parse(listed[1] ?? '')).toEqual({ line: 4, reason: 'The row has 1 fields, the header has 2' })
})

test('a file without bad rows has no list of them, one without rows no table', async () => {
  await using bench = await workbench()
  const good = await run(await bench.write('good.csv', 'a,b\n1,2\n'), 'text/csv')
  expect(good.files.map(({ recipe }) => recipe.name)).toEqual(['profile', 'profile-chart', 'parquet'])
  const empty = await run(await bench.write('empty.csv', 'a,b\n'), 'text/csv')
  expect(empty.files.map(({ recipe }) => recipe.name)).toEqual(['profile', 'profile-chart'])
})

test('the picture of a profile shows hostile names as text alone', async () => {
  await using bench = await workbench()
  const rows = [
    { '<script>alert(1)</script>': 1, 'a&b"c': 'x\u0000y', '\u202eevil': '<image href="http://127.0.0.1:9/"/>' },
    { '<script>alert(1)</script>': 4, 'a&b"c': ']]>', '\u202eevil': null },
  ]
  const path = await bench.write('rows.ndjson', rows.map((row) => JSON.stringify(row)).join('\n'))
  const chart = named((await run(path)).files, 'profile-chart')
  expect(chart).toMatchObject({ mediaType: 'image/svg+xml', properties: { columns: 3 } })
  const svg = await readFile(chart.path, 'utf8')
  expect(new XMLParser({ ignoreAttributes: false }).parse(svg)).toHaveProperty('svg')
  expect(svg.match(/<(?!\/?(svg|g|rect|text)\b)[^>]*/g)).toBeNull()
  expect(svg.match(/\bon\w+=|href|url\(/g)?.filter((found) => found !== 'href') ?? []).toEqual([])
})

test('a JSON object and damaged JSON', async () => {
  await using bench = await workbench()
  const single = await run(await bench.write('one.json', '{\n  "a": 1\n}\n'))
  expect(single.inspection).toMatchObject({ mediaType: 'application/json', kind: 'document', recipes: [] })
  await expect(run(await bench.write('cut.json', '[{"a":1},{"a"'))).rejects.toMatchObject({ code: 'invalid-media' })
  const one = await run(await bench.write('one.ndjson', '{"a":1}\n'))
  expect(one.inspection).toMatchObject({ mediaType: 'application/x-ndjson', kind: 'data' })
})

/** With a checksum, as the program of that name writes it: without one, damage in the middle may unpack to other text. */
function checkedZstd(text: string): Buffer {
  return zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
}

test.each([
  ['gzip', gzipSync, 'text/csv'],
  ['zstd', checkedZstd, 'application/x-ndjson'],
] as const)(
  'a large table whose %s packing is damaged is refused wherever the damage lies',
  async (packing, pack, declared) => {
    await using bench = await workbench()
    const next = chance(5)
    const noise = (count: number): string => Array.from({ length: count }, () => next().toString(36).slice(2)).join('')
    const row = (n: number): string =>
      declared === 'text/csv' ? `${n},${noise(20)}` : JSON.stringify({ n, noise: noise(20) })
    const packed = pack(
      `${declared === 'text/csv' ? 'n,noise\n' : ''}${Array.from({ length: 4_000 }, (_, n) => row(n)).join('\n')}`,
    )
    expect(packed.length).toBeGreaterThan(400_000)
    const message = expect.stringMatching(`${packing} packing is damaged or cut off`)
    const damaged = (at: number): Buffer => Buffer.from(packed).fill(0xa5, at, at + 4_000)
    // Behind its mark, in the middle, and an end that is missing.
    for (const bytes of [damaged(4), damaged(packed.length >> 1), packed.subarray(0, packed.length - 100)]) {
      await expect(run(await bench.write('damaged', bytes), declared)).rejects.toMatchObject({
        code: 'invalid-media',
        message,
      })
    }
    expect((await run(await bench.write('whole', packed), 'application/octet-stream')).inspection).toMatchObject({
      kind: 'data',
      properties: { packing },
    })
  },
)

test.each([
  ['gzip', gzipSync('a,b\n1,2\n3,4\n'), 'text/csv'],
  ['zstd', zstdCompressSync('{"a":1}\n{"a":2}\n'), 'application/x-ndjson'],
] as const)(
  'a table whose %s packing is cut off is refused with the reason, an archive of that kind is stored',
  async (packing, whole, declared) => {
    await using bench = await workbench()
    const path = await bench.write('cut', whole.subarray(0, whole.length - 6))
    const message = expect.stringMatching(`${packing} packing is damaged or cut off`)
    await expect(run(path, declared)).rejects.toMatchObject({ code: 'invalid-media', message })
    await bench.write('garbled', Buffer.concat([whole.subarray(0, 10), Buffer.alloc(30, 0xee)]))
    await expect(run(bench.at('garbled'), declared)).rejects.toMatchObject({ code: 'invalid-media', message })
    expect((await run(bench.at('garbled'), 'application/octet-stream')).inspection).toMatchObject({ recipes: [] })
  },
)

test('a table whose rows share no columns has a profile and no Parquet copy, and says so', async () => {
  await using bench = await workbench()
  const rows = Array.from({ length: 2_100 }, (_, n) => JSON.stringify({ [`a${n}`]: n }))
  const { files } = await run(await bench.write('sparse.ndjson', rows.join('\n')), 'application/x-ndjson')
  expect(files.map(({ recipe }) => recipe.name).sort()).toEqual(['profile', 'profile-chart'])
  expect(named(files, 'profile').properties).toMatchObject({
    rows: 2_100,
    note: expect.stringMatching(/no Parquet copy/),
  })
}, 30_000)

test('a table as wide whose cells are filled has one', async () => {
  await using bench = await workbench()
  const names = Array.from({ length: 1_000 }, (_, n) => `c${n}`)
  const line = names.map((_, n) => n).join(',')
  const path = await bench.write('wide.csv', `${names.join(',')}\n${`${line}\n`.repeat(5)}`)
  const { files } = await run(path, 'text/csv')
  expect(named(files, 'parquet').properties).toMatchObject({ rows: 5 })
}, 30_000)
