import type { Container, SqlParameter } from '@azure/cosmos'
import { shardOf } from '../../shared/domain/hash.ts'
import { partitionText } from '../../shared/domain/record-index.ts'
import { keyText, type RecordKey, type StoredRecord } from '../../shared/domain/record.ts'
import { sortableId } from '../../shared/domain/sortable-id.ts'
import { calling } from './errors.ts'
import { fromItem, type Item } from './record-item.ts'

const partitionOf = (key: RecordKey): string => partitionText(key.tenant, key.collection, shardOf(key))

/** One record by its place: the cheapest read there is. */
export async function readOne(container: Container, key: RecordKey): Promise<StoredRecord | undefined> {
  const item = container.item(sortableId(key.id), partitionOf(key))
  const { resource } = await calling('reading a record', () => item.read<Item>())
  return resource && fromItem(resource)
}

/** Many records in the order of `keys`: one query a logical partition instead of one read a record. */
export async function readMany(
  container: Container,
  keys: readonly RecordKey[],
): Promise<(StoredRecord | undefined)[]> {
  const partitions = Map.groupBy(new Map(keys.map((key) => [keyText(key), key])).values(), partitionOf)
  const found = await Promise.all([...partitions].map(([pk, members]) => readPartition(container, pk, members)))
  const byKey = new Map(found.flat().map((record) => [keyText(record.key), record]))
  return keys.map((key) => byKey.get(keyText(key)))
}

async function readPartition(container: Container, pk: string, keys: readonly RecordKey[]): Promise<StoredRecord[]> {
  const [only] = keys
  if (only && keys.length === 1) {
    const record = await readOne(container, only)
    return record ? [record] : []
  }
  const ids: SqlParameter[] = keys.map(({ id }, index) => ({ name: `@id${index}`, value: sortableId(id) }))
  const names = ids.map(({ name }) => name).join(', ')
  const query = `SELECT * FROM c WHERE c.pk = @pk AND c.id IN (${names})`
  const parameters = [{ name: '@pk', value: pk }, ...ids]
  const iterator = container.items.query<Item>({ query, parameters }, { partitionKey: pk })
  const { resources } = await calling('reading records', () => iterator.fetchAll())
  return resources.map(fromItem)
}
