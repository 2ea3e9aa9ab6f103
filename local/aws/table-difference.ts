import type { CreateTableCommandInput, KeySchemaElement, Projection, TableDescription } from '@aws-sdk/client-dynamodb'

interface Index {
  readonly IndexName?: string | undefined
  readonly KeySchema?: readonly KeySchemaElement[] | undefined
  readonly Projection?: Projection | undefined
}

/** Names the first thing in which a table's keys and indexes differ from those wanted. Undefined when they agree. */
export function differenceOf(table: TableDescription, wanted: CreateTableCommandInput): string | undefined {
  if (keysOf(table) !== keysOf(wanted)) return 'key schema differs'
  const types = new Map(table.AttributeDefinitions?.map((each) => [each.AttributeName, each.AttributeType]))
  const found = new Map(table.GlobalSecondaryIndexes?.map((index) => [index.IndexName, indexText(index)]))
  for (const index of wanted.GlobalSecondaryIndexes ?? []) {
    const text = found.get(index.IndexName)
    if (text === undefined) return `index ${index.IndexName} is missing`
    if (text !== indexText(index)) return `index ${index.IndexName} differs`
    found.delete(index.IndexName)
  }
  const [extra] = found.keys()
  if (extra !== undefined) return `index ${extra} is no longer used`
  const other = wanted.AttributeDefinitions?.find((each) => types.get(each.AttributeName) !== each.AttributeType)
  return other === undefined ? undefined : `attribute ${other.AttributeName} differs`
}

const keysOf = ({ KeySchema }: { readonly KeySchema?: readonly KeySchemaElement[] | undefined }): string =>
  JSON.stringify(KeySchema?.map(({ AttributeName, KeyType }) => [KeyType, AttributeName]))

const indexText = (index: Index): string =>
  JSON.stringify([keysOf(index), index.Projection?.ProjectionType, index.Projection?.NonKeyAttributes?.toSorted()])
