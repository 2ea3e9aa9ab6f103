import type { MediaBody } from '../domain/asset.ts'
import { isJsonObject, type Json } from '../domain/json.ts'
import { columnTypes, type ColumnType } from '../data/types.ts'

interface Column {
  readonly name: string
  readonly type: ColumnType
}

/** The columns of a data file in their order, as they were found when it came in. */
export const foundColumns = ({ properties }: MediaBody): Column[] => columnsIn(properties['columns'])

/** The same with the types that they have in its Parquet copy, and those that turned up later. */
export function tableColumns(media: MediaBody): Column[] {
  const widened = media.renditions.find(({ name }) => name === 'parquet')?.properties['widened']
  const types = new Map(foundColumns(media).map(({ name, type }) => [name, type]))
  for (const { name, type } of columnsIn(widened)) types.set(name, type)
  return [...types].map(([name, type]) => ({ name, type }))
}

function columnsIn(list: Json | undefined): Column[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((column) => {
    const { name, type } = isJsonObject(column) ? column : {}
    const known = columnTypes.find((each) => each === type)
    return typeof name === 'string' && known ? [{ name, type: known }] : []
  })
}
