import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { inspectRows } from '../data/inspect.ts'
import { profiler } from '../data/profile.ts'
import { isColumnTypes, isRowFormat, type RowFormat, type RowOptions } from '../data/row.ts'
import { rowsOf } from '../data/rows.ts'
import type { JsonObject } from '../domain/json.ts'
import type { ConvertedFile, Inspection, Recipe } from '../ports/media-converter.ts'
import { finishFile, partPath } from './output.ts'
import { decoding, invalidMedia } from './reasons.ts'

const version = 1
const badRowsListedMax = 100

const formats: Readonly<Record<string, RowFormat>> = {
  'text/csv': 'csv',
  'text/tab-separated-values': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/json': 'json',
}

export const isDataType = (mediaType: string): boolean => Object.hasOwn(formats, mediaType)

/** Finds the columns and their types; the recipes' options are what `rowsOf` needs to read the same rows again. */
export async function inspectData(
  path: string,
  mediaType: string,
  gzip: boolean,
  signal: AbortSignal,
): Promise<Inspection> {
  const format = formats[mediaType]
  if (!format) throw invalidMedia(`${mediaType} is no data type`)
  const found = await decoding('The data file', signal, () =>
    inspectRows(() => createReadStream(path), { format, signal }),
  )
  if (!found.tabular) return { mediaType, kind: 'document', properties: {}, recipes: [] }
  const columns = Object.entries(found.types).map(([name, type]) => ({ name, type }))
  const options: JsonObject = { ...found.options, types: found.types }
  return {
    mediaType,
    kind: 'data',
    properties: {
      columns,
      gzip,
      complete: found.complete,
      ...(found.options.delimiter !== undefined && { delimiter: found.options.delimiter }),
      encoding: found.options.encoding,
    },
    recipes: [
      { name: 'rows', version, options },
      { name: 'profile', version, options },
    ],
  }
}

/** The options for `rowsOf` that a recipe carries. */
export function rowOptionsOf(recipe: Recipe): RowOptions {
  const { format, delimiter, encoding, types } = recipe.options
  if (!isRowFormat(format) || !isColumnTypes(types)) throw invalidMedia(`The recipe ${recipe.name} names no row format`)
  return {
    format,
    types,
    ...(typeof delimiter === 'string' && { delimiter }),
    ...(typeof encoding === 'string' && { encoding }),
  }
}

/** Makes the profile; `rows` is left to whoever stores the records. */
export async function convertData(
  path: string,
  recipes: readonly Recipe[],
  work: { readonly workFolder: string; readonly signal: AbortSignal },
): Promise<ConvertedFile[]> {
  const recipe = recipes.find(({ name }) => name === 'profile')
  if (!recipe) return []
  const profile = profiler()
  let bad = 0
  const badRows: JsonObject[] = []
  await decoding('The data file', work.signal, async () => {
    for await (const item of rowsOf(createReadStream(path), rowOptionsOf(recipe))) {
      work.signal.throwIfAborted()
      if ('row' in item) profile.add(item.row)
      else {
        bad++
        if (badRows.length < badRowsListedMax) badRows.push({ line: item.line, reason: item.error })
      }
    }
  })
  const result: JsonObject = { ...profile.result(), badRowCount: bad, badRows }
  await writeFile(partPath(work.workFolder, recipe.name), JSON.stringify(result))
  return [
    await finishFile(work.workFolder, recipe, 'json', 'application/json', {
      rows: result.rows ?? 0,
      columns: Array.isArray(result.columns) ? result.columns.length : 0,
      badRows: bad,
    }),
  ]
}
