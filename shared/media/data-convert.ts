import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { badRowList, type BadRowList } from '../data/bad-rows.ts'
import { chartOf } from '../data/profile-chart.ts'
import { profileOf, profiler } from '../data/profile.ts'
import type { ParquetFile } from '../data/parquet-writer.ts'
import type { ColumnTypes, RowItem, RowOptions } from '../data/row.ts'
import { rowBatches } from '../data/rows.ts'
import type { JsonObject } from '../domain/json.ts'
import type { ConvertedFile, Recipe } from '../ports/media-converter.ts'
import { rowOptionsOf, type DataRecipe } from './data.ts'
import { finishFile, partPath } from './output.ts'
import { decoding } from './reasons.ts'

/** A record has no room for thousands. */
const widenedListedMax = 200

interface Work {
  readonly workFolder: string
  readonly signal: AbortSignal
}

/** Makes everything but the rows themselves, which are left to whoever stores the records. */
export async function convertData(path: string, recipes: readonly Recipe[], work: Work): Promise<ConvertedFile[]> {
  const named = (name: DataRecipe): Recipe | undefined => recipes.find((recipe) => recipe.name === name)
  const [profile, chart, parquet, errors] = [
    named('profile'),
    named('profile-chart'),
    named('parquet'),
    named('errors'),
  ]
  const [first] = recipes
  if (!first) return []
  const options = rowOptionsOf(first)
  const table = parquet && Object.keys(options.types).length > 0 ? partPath(work.workFolder, parquet.name) : undefined
  const read = await decoding('The data file', work.signal, () =>
    readAll(path, options, { table, signal: work.signal }),
  )
  const rows = Number(read.profile['rows'])
  const files: ConvertedFile[] = []
  const make = async (recipe: Recipe | undefined, made: Made): Promise<void> => {
    if (!recipe) return
    if (made.content !== undefined) await writeFile(partPath(work.workFolder, recipe.name), made.content)
    files.push(await finishFile(work.workFolder, recipe, made.extension, made.mediaType, made.properties))
  }
  await make(profile, {
    content: JSON.stringify(read.profile),
    extension: 'json',
    mediaType: 'application/json',
    properties: {
      rows,
      columns: columnsIn(read.profile),
      badRows: read.bad.count,
      ...(read.isSparse && { note: 'Nearly all cells are empty: there is no Parquet copy' }),
    },
  })
  const picture = chartOf(read.profile)
  await make(chart, { ...picture, extension: 'svg', mediaType: 'image/svg+xml' })
  if (table !== undefined && !read.isSparse)
    await make(parquet, { extension: 'parquet', mediaType: parquetType, properties: { rows, ...read.widened } })
  const { count, listed } = read.bad
  if (count > 0) {
    const properties = { count, listed }
    await make(errors, {
      content: read.bad.ndjson(),
      extension: 'ndjson',
      mediaType: 'application/x-ndjson',
      properties,
    })
  }
  return files
}

interface Made {
  /** Absent when the file is written already. */
  readonly content?: string
  readonly extension: string
  readonly mediaType: string
  readonly properties: JsonObject
}

export const parquetType = 'application/vnd.apache.parquet'

const columnsIn = (profile: JsonObject): number => (Array.isArray(profile['columns']) ? profile['columns'].length : 0)

/** Reads the file once for everything; the Parquet copy takes a second pass when a type turns out to be too narrow. */
async function readAll(
  path: string,
  options: ReturnType<typeof rowOptionsOf>,
  { table, signal }: { readonly table: string | undefined; readonly signal: AbortSignal },
): Promise<{ profile: JsonObject; bad: BadRowList; widened: JsonObject; isSparse: boolean }> {
  const profile = profiler(Object.keys(options.types))
  const bad = badRowList()
  const first = await writeTable(table, options.types, (parquet) =>
    eachBatch(path, options, signal, async (batch) => {
      for (const item of batch) {
        if (!('row' in item)) bad.add(item)
        else {
          profile.add(item.row)
          if (parquet?.add(item.row)) await parquet.flush()
        }
      }
    }),
  )
  const { misfits } = first
  let { isSparse } = first
  if (misfits.size > 0 && !isSparse) {
    const second = await writeTable(table, { ...options.types, ...Object.fromEntries(misfits) }, (parquet) =>
      eachBatch(path, options, signal, async (batch) => {
        for (const item of batch) if ('row' in item && parquet?.add(item.row)) await parquet.flush()
      }),
    )
    isSparse = second.isSparse
  }
  return { profile: profileOf(profile, bad.count), bad, widened: widenedOf(misfits), isSparse }
}

/** What the copy's columns are where they are not what the inspection found. */
function widenedOf(misfits: ParquetFile['misfits']): JsonObject {
  if (misfits.size === 0) return {}
  const columns = [...misfits].slice(0, widenedListedMax).map(([name, type]) => ({ name, type }))
  return { widened: columns, widenedCount: misfits.size }
}

async function writeTable(
  path: string | undefined,
  types: ColumnTypes,
  fill: (parquet: ParquetFile | undefined) => Promise<void>,
): Promise<{ readonly misfits: ParquetFile['misfits']; readonly isSparse: boolean }> {
  if (path === undefined) {
    await fill(undefined)
    return { misfits: new Map(), isSparse: false }
  }
  // Large, and of use to no other function than that which converts.
  const { parquetFile } = await import('../data/parquet-writer.ts')
  await using parquet = await parquetFile(path, types, { stopsWhenSparse: true })
  await fill(parquet)
  if (parquet.isSparse()) return { misfits: new Map(), isSparse: true }
  await parquet.finish()
  return { misfits: parquet.misfits, isSparse: false }
}

async function eachBatch(
  path: string,
  options: RowOptions,
  signal: AbortSignal,
  take: (batch: readonly RowItem[]) => Promise<void>,
): Promise<void> {
  const source = createReadStream(path)
  try {
    for await (const batch of rowBatches(source, options)) {
      signal.throwIfAborted()
      await take(batch)
    }
  } finally {
    source.destroy()
  }
}
