import type { Container, ItemDefinition } from '@azure/cosmos'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { CosmosServer } from '../../../local/azure/cosmos/server.ts'
import { type Account, codeOf, ids, openAccount } from './cosmos-account.ts'

let account: Account
let server: CosmosServer
let items: Container

beforeAll(async () => {
  account = await openAccount()
  ;({ server, items } = account)
})

afterAll(() => account.close())

describe('queries', () => {
  beforeAll(async () => {
    const documents = Array.from({ length: 50 }, (_, at) => ({
      id: `q${String(at).padStart(3, '0')}`,
      pk: `query${at % 2}`,
      bucketKey: at % 5 === 0 ? 'five' : 'other',
      stamp: `s${String(99 - at).padStart(3, '0')}`,
      n: at,
      tags: at % 3 === 0 ? ['three', at] : [],
      ...(at % 10 === 0 ? { rare: at === 0 ? null : at } : {}),
      when: { day: at % 7 },
    }))
    for (const document of documents) await items.items.create(document)
  })

  const all = async (
    query: string,
    parameters: Record<string, string | number | boolean | null> = {},
    partitionKey?: string,
  ) => {
    const spec = { query, parameters: Object.entries(parameters).map(([name, value]) => ({ name: `@${name}`, value })) }
    return (await items.items.query(spec, partitionKey === undefined ? {} : { partitionKey }).fetchAll()).resources
  }

  test('a partition in the order of its ids, page by page', async () => {
    const seen: string[] = []
    let continuationToken: string | undefined
    let pages = 0
    do {
      const spec = {
        query: 'SELECT * FROM c WHERE c.id > @after ORDER BY c.id',
        parameters: [{ name: '@after', value: 'q004' }],
      }
      const options = { partitionKey: 'query0', maxItemCount: 7, ...(continuationToken ? { continuationToken } : {}) }
      const page = await items.items.query<ItemDefinition>(spec, options).fetchNext()
      seen.push(...ids(page.resources))
      continuationToken = page.continuationToken
      pages += 1
    } while (continuationToken !== undefined)
    expect(seen).toEqual(Array.from({ length: 22 }, (_, at) => `q${String(6 + 2 * at).padStart(3, '0')}`))
    expect(pages).toBe(4)
  })

  test('a continuation of another query is refused', async () => {
    const first = await items.items.query('SELECT * FROM c', { partitionKey: 'query0', maxItemCount: 1 }).fetchNext()
    const options = { partitionKey: 'query0', continuationToken: first.continuationToken ?? '' }
    expect(await codeOf(items.items.query('SELECT c.id FROM c', options).fetchNext())).toBe(400)
  })

  test('across partitions, sorted by the client from the rewritten query', async () => {
    const found = await all('SELECT * FROM c WHERE c.bucketKey = @b AND c.stamp > @after ORDER BY c.stamp', {
      b: 'five',
      after: 's060',
    })
    expect(found.map(({ stamp }) => stamp)).toEqual(['s064', 's069', 's074', 's079', 's084', 's089', 's094', 's099'])
    const two = await all('SELECT TOP 2 c.n AS m, c.stamp FROM c ORDER BY c.bucketKey, c.stamp')
    expect(two).toEqual([
      { m: 45, stamp: 's054' },
      { m: 40, stamp: 's059' },
    ])
    expect(await codeOf(all('SELECT * FROM c ORDER BY c.n, c.stamp'))).toBe(400)
  })

  test('conditions', async () => {
    const count = async (where: string, parameters = {}): Promise<unknown> =>
      (await all(`SELECT VALUE COUNT(1) FROM c WHERE STARTSWITH(c.pk, 'query') AND (${where})`, parameters))[0]
    expect(await count('c.n >= 10 AND c.n < 20')).toBe(10)
    expect(await count('c.n IN (1, 2, 300)')).toBe(2)
    expect(await count('c.id IN (@a, @b)', { a: 'q001', b: 'q002' })).toBe(2)
    expect(await count('c.n BETWEEN 3 AND 5 OR c.n = 40')).toBe(4)
    expect(await count("ARRAY_CONTAINS(c.tags, 'three')")).toBe(17)
    expect(await count('IS_DEFINED(c.rare)')).toBe(5)
    expect(await count('NOT IS_DEFINED(c.rare)')).toBe(45)
    expect(await count('c.rare = null')).toBe(1)
    expect(await count("c.n > 'text'")).toBe(0)
    expect(await count("c.id LIKE 'q00_'")).toBe(10)
    expect(await count('c.when.day = 3')).toBe(7)
    expect(await count('c["when"]["day"] = 3 AND NOT (c.n = 3)')).toBe(6)
    expect(await count('c.n % 2 = 0')).toBe(25)
    expect(await count("c.pk = 'query1'")).toBe(25)
  })

  test('aggregates, projections, DISTINCT, OFFSET LIMIT', async () => {
    expect(await all('SELECT VALUE SUM(c.n) FROM c WHERE c.n <= 4')).toEqual([10])
    expect(await all("SELECT VALUE MAX(c.stamp) FROM c WHERE c.pk = 'query0'")).toEqual(['s099'])
    expect(await all('SELECT VALUE {"a": c.n, "b": [c.id]} FROM c WHERE c.n = 7')).toEqual([{ a: 7, b: ['q007'] }])
    expect(await all('SELECT c.when.day, c.none FROM c WHERE c.n = 9')).toEqual([{ day: 2 }])
    const days = await all("SELECT DISTINCT VALUE c.when.day FROM c WHERE STARTSWITH(c.pk, 'query')")
    expect([...days].sort((a, b) => Number(a) - Number(b))).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(ids(await all('SELECT * FROM c ORDER BY c.id OFFSET 2 LIMIT 3', {}, 'query0'))).toEqual([
      'q004',
      'q006',
      'q008',
    ])
    expect(ids(await all('SELECT TOP 2 * FROM c ORDER BY c.id DESC', {}, 'query0'))).toEqual(['q048', 'q046'])
  })

  test('what cannot be read is 400', async () => {
    for (const query of [
      'SELEC * FROM c',
      'SELECT * FROM c WHERE',
      'SELECT * FROM c WHERE c.a = @none',
      "SELECT * FROM c WHERE c.a = 'x",
    ]) {
      expect(await codeOf(all(query, {}, 'query0'))).toBe(400)
    }
  })

  test('the three hot queries use an index and never sort', () => {
    const container = server.store.find('test', 'items')
    const plan = (where: string, order: string): string =>
      JSON.stringify(
        server.store.all(`EXPLAIN QUERY PLAN SELECT seq FROM ${container?.table} WHERE ${where} ORDER BY ${order}`),
      )
    const bucket = `json_extract(body,'$."bucketKey"') = 'x' AND json_extract(body,'$."stamp"') > 'y'`
    expect(plan("pk = 'x' AND id > 'y'", 'id, seq')).toMatch(/SEARCH.*_key/u)
    expect(plan(bucket, `json_extract(body,'$."stamp"'), seq`)).toMatch(/SEARCH.*_x/u)
    expect(plan(bucket, `json_extract(body,'$."stamp"'), seq`)).not.toContain('TEMP B-TREE')
  })
})
