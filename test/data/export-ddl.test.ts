import { expect, test } from '@jest/globals'
import { exportDdl } from '../../shared/data/export-ddl.ts'

const table = {
  name: 'notes',
  columns: [
    { name: 'collection', type: 'string' },
    { name: 'id', type: 'string' },
    { name: 'deleted', type: 'boolean' },
  ],
  prefix: 'export-records-',
  since: '2026-01-31',
  subject: ['collection', 'id'],
} as const

test('Athena: a partition for each day, which it finds by itself', () => {
  const sql = exportDdl('athena', { ...table, folder: 's3://bucket/objects/t1' })
  expect(sql).toBe(`CREATE EXTERNAL TABLE IF NOT EXISTS \`notes\` (
  \`collection\` string,
  \`id\` string,
  \`deleted\` boolean
)
PARTITIONED BY (\`export_date\` string)
STORED AS PARQUET
LOCATION 's3://bucket/objects/t1/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.export_date.type' = 'date',
  'projection.export_date.format' = 'yyyy-MM-dd',
  'projection.export_date.range' = '2026-01-31,NOW',
  'storage.location.template' = 's3://bucket/objects/t1/export-records-\${export_date}/'
);

CREATE OR REPLACE VIEW "notes_latest" AS
SELECT "collection", "id", "deleted" FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY "collection", "id" ORDER BY "stamp" DESC) AS "nth" FROM "notes"
) AS "states" WHERE "nth" = 1 AND NOT "deleted";
`)
})

test('Synapse: the day is taken from the path, so that a query of one reads one', () => {
  const folder = 'https://account.dfs.core.windows.net/objects/objects/t1'
  expect(exportDdl('synapse', { ...table, folder })).toBe(`CREATE OR ALTER VIEW [notes] AS
SELECT [rows].*, [rows].filepath(1) AS [export_date]
FROM OPENROWSET(BULK '${folder}/export-records-*/*', FORMAT = 'PARQUET')
WITH (
  [collection] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
  [id] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
  [deleted] BIT
) AS [rows];

CREATE OR ALTER VIEW [notes_latest] AS
SELECT [collection], [id], [deleted] FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY [collection], [id] ORDER BY [stamp] DESC) AS [nth] FROM [notes]
) AS [states] WHERE [nth] = 1 AND [deleted] = 0;
`)
})
