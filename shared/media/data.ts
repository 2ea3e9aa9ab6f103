import { createReadStream } from 'node:fs'
import { inspectRows } from '../data/inspect.ts'
import { isColumnTypes, isRowFormat, type RowFormat, type RowOptions } from '../data/row.ts'
import { isJsonObject, type JsonObject } from '../domain/json.ts'
import type { ConversionSource, Inspection, Recipe } from '../ports/media-converter.ts'
import { decoding, invalidMedia } from './reasons.ts'
import type { Sniffed } from './sniff.ts'

const formats: Readonly<Record<string, RowFormat>> = {
  'text/csv': 'csv',
  'text/tab-separated-values': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/json': 'json',
}

export const isDataType = (mediaType: string): boolean => Object.hasOwn(formats, mediaType)

/** Each has a version, raised whenever what it makes changes. */
const recipes = { rows: 2, profile: 2, 'profile-chart': 1, parquet: 1, errors: 1 } as const
export type DataRecipe = keyof typeof recipes

/** Finds the columns and their types; the recipes' options are what `rowBatches` needs to read the same rows again. */
export async function inspectData(
  { path, rowSchema }: Pick<ConversionSource, 'path' | 'rowSchema'>,
  { mediaType, packing }: Sniffed,
  signal: AbortSignal,
): Promise<Inspection> {
  const format = formats[mediaType]
  if (!format) throw invalidMedia(`${mediaType} is no data type`)
  const schema = await rowSchema?.()
  const found = await decoding('The data file', signal, () =>
    inspectRows(() => createReadStream(path), { format, signal, ...(schema && { schema }) }),
  )
  if (!found.tabular) return { mediaType, kind: 'document', properties: {}, recipes: [] }
  const columns = Object.entries(found.types).map(([name, type]) => ({ name, type }))
  const options: JsonObject = { ...found.options, columns, ...(schema && { schema }) }
  return {
    mediaType,
    kind: 'data',
    properties: {
      columns,
      complete: found.complete,
      validated: schema !== undefined,
      encoding: found.options.encoding,
      ...(packing !== undefined && { packing }),
      ...(found.options.delimiter !== undefined && { delimiter: found.options.delimiter }),
    },
    recipes: Object.entries(recipes).map(([name, version]) => ({ name, version, options })),
  }
}

/** The options for `rowBatches` that a recipe carries. */
export function rowOptionsOf(recipe: Recipe): RowOptions & Required<Pick<RowOptions, 'types'>> {
  const { format, delimiter, encoding, columns, schema } = recipe.options
  const types = typesOf(columns)
  if (!isRowFormat(format) || !types) throw invalidMedia(`The recipe ${recipe.name} names no row format`)
  return {
    format,
    types,
    ...(typeof delimiter === 'string' && { delimiter }),
    ...(typeof encoding === 'string' && { encoding }),
    ...(schema !== undefined && isJsonObject(schema) && { schema }),
  }
}

/** Columns stand in a list, since stores sort the members of an object. */
function typesOf(columns: JsonObject[string] | undefined): RowOptions['types'] {
  if (!Array.isArray(columns)) return undefined
  const entries = columns.map((column) => {
    const { name, type } = isJsonObject(column) ? column : {}
    return [typeof name === 'string' ? name : '', type]
  })
  const types: unknown = Object.fromEntries(entries)
  return isColumnTypes(types) ? types : undefined
}
