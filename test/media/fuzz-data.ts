import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { rowsOf } from '../../shared/data/rows.ts'
import { rowOptionsOf } from '../../shared/media/data.ts'
import type { ConvertedFile } from '../../shared/ports/media-converter.ts'
import type { FuzzedFormat } from './fuzzed-format.ts'

const rows = Array.from({ length: 200 }, (_, n) => ({
  id: n,
  name: `boat ${n}, "two hulls"`,
  ratio: n / 7,
  at: new Date(n * 86_400_000).toISOString(),
  fast: n % 2 === 0,
}))
const quoted = (value: unknown): string => `"${String(value).replaceAll('"', '""')}"`
const csv = [Object.keys(rows[0] ?? {}).join(','), ...rows.map((row) => Object.values(row).map(quoted).join(','))]
const ndjson = rows.map((row) => JSON.stringify(row)).join('\n')

const texts: Readonly<Record<string, readonly [declared: string, bytes: string | Buffer]>> = {
  csv: ['text/csv', csv.join('\r\n')],
  tsv: [
    'text/tab-separated-values',
    csv
      .join('\n')
      .replaceAll('","', '"\t"')
      .replaceAll(/^(\w+),(\w+),.*$/gm, '$1\t$2'),
  ],
  ndjson: ['application/x-ndjson', ndjson],
  json: ['application/json', JSON.stringify(rows)],
  gz: ['text/csv', gzipSync(csv.join('\n'))],
  zst: ['application/x-ndjson', zstdCompressSync(ndjson)],
}

/** Tables of two hundred rows, bare and packed. */
export const dataFormats: Readonly<Record<string, FuzzedFormat>> = Object.fromEntries(
  Object.entries(texts).map(([name, [declared, bytes]]) => [
    name,
    {
      declared,
      whole: async () => Buffer.from(bytes),
      async faultOf({ path, inspection, files }) {
        const recipe = inspection.recipes.find((each) => each.name === 'rows')
        // Not rows any more, and stored as what it is.
        if (!recipe) return undefined
        for (const file of files) {
          const fault = await faultOf(file)
          if (fault) return `${file.recipe.name} ${fault}`
        }
        let count = 0
        for await (const item of rowsOf(createReadStream(path), rowOptionsOf(recipe))) if ('row' in item) count++
        const told = Number(files.find((file) => file.recipe.name === 'profile')?.properties['rows'])
        return count === told ? undefined : `${count} rows are read, and the profile has ${told}`
      },
    } satisfies FuzzedFormat,
  ]),
)

async function faultOf({ path, bytes, mediaType, recipe }: ConvertedFile): Promise<string | undefined> {
  const file = await readFile(path)
  if (file.length === 0 || file.length !== bytes) return `has ${file.length} bytes, not ${bytes}`
  if (mediaType === 'application/json') JSON.parse(file.toString())
  if (recipe.name !== 'parquet') return undefined
  const marks = [file.toString('latin1', 0, 4), file.toString('latin1', file.length - 4)]
  return marks.every((mark) => mark === 'PAR1') ? undefined : 'is no Parquet file'
}
