import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  BulkOperationType,
  ChangeFeedStartFrom,
  type Container,
  CosmosClient,
  type ItemDefinition,
  PatchOperationType,
} from '@azure/cosmos'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { CosmosServer } from '../../../local/azure/cosmos/server.ts'
import { cosmosConnectionString, localCosmosKey } from '../../../local/azure/endpoints.ts'
import { type Account, clientFor, codeOf, ids, openAccount } from './cosmos-account.ts'
import { until } from './processes.ts'

let account: Account
let server: CosmosServer
let client: CosmosClient
let items: Container

beforeAll(async () => {
  account = await openAccount()
  ;({ server, client, items } = account)
})

afterAll(() => account.close())

describe('account', () => {
  test('a wrong key is refused with 401', async () => {
    const stranger = clientFor(server.port, Buffer.from('not the key').toString('base64'))
    expect(await codeOf(stranger.databases.readAll().fetchAll())).toBe(401)
    stranger.dispose()
  })

  test('the connection string works and containers are listed', async () => {
    const other = new CosmosClient(cosmosConnectionString(server.port))
    const { resources } = await other.database('test').containers.readAll().fetchAll()
    expect(resources.map(({ id }) => id)).toContain('items')
    other.dispose()
  })

  test('a container that is not there is 404, a name with a slash is refused', async () => {
    expect((await client.database('test').container('none').item('a', 'b').read()).statusCode).toBe(404)
    expect(await codeOf(client.database('test').container('none').items.create({ id: 'a' }))).toBe(404)
    expect(await codeOf(client.database('none').read())).toBe(404)
    expect(await codeOf(client.database('test').containers.create({ id: 'a/b', partitionKey: '/pk' }))).not.toBe('done')
  })
})

describe('documents', () => {
  test('create, read, replace by etag, delete', async () => {
    const { resource: made, etag } = await items.items.create({ id: 'one two%3', pk: 'crud', n: 1 })
    expect(made).toMatchObject({ id: 'one two%3', pk: 'crud', n: 1, _etag: etag })
    expect(await codeOf(items.items.create({ id: 'one two%3', pk: 'crud' }))).toBe(409)
    const item = items.item('one two%3', 'crud')
    expect((await item.read()).resource).toMatchObject({ n: 1, _ts: expect.any(Number) })
    const wrong = { accessCondition: { type: 'IfMatch', condition: '"other"' } }
    expect(await codeOf(item.replace({ id: 'one two%3', pk: 'crud', n: 2 }, wrong))).toBe(412)
    const right = { accessCondition: { type: 'IfMatch', condition: etag } }
    expect((await item.replace({ id: 'one two%3', pk: 'crud', n: 2 }, right)).resource).toMatchObject({ n: 2 })
    expect(await codeOf(item.delete(right))).toBe(412)
    await item.delete()
    const gone = await item.read()
    expect(gone.statusCode).toBe(404)
    expect(await codeOf(item.replace({ id: 'one two%3', pk: 'crud' }))).toBe(404)
  })

  test('ids are strict, and so is the partition key', async () => {
    for (const id of ['a/b', 'a\\b', 'a?b', 'a#b', 'x'.repeat(1024)]) {
      expect(await codeOf(items.items.create({ id, pk: 'p' }))).not.toBe('done')
    }
    await items.items.create({ id: '🐎 ~é', pk: 'p' })
    expect((await items.item('🐎 ~é', 'p').read()).resource).toMatchObject({ id: '🐎 ~é' })
    expect((await items.item('🐎 ~é', 'other').read()).statusCode).toBe(404)
  })

  test('a document over 2 MB is 413', async () => {
    expect(await codeOf(items.items.create({ id: 'big', pk: 'p', text: 'x'.repeat(2 * 1024 * 1024) }))).toBe(413)
    expect(await codeOf(items.items.create({ id: 'big', pk: 'p', text: 'x'.repeat(2 * 1024 * 1024 - 100) }))).toBe(
      'done',
    )
  })

  test('patch applies in order, on a condition', async () => {
    await items.items.create({ id: 'patched', pk: 'p', n: 1, list: ['a', 'c'] })
    const item = items.item('patched', 'p')
    const { resource } = await item.patch([
      { op: PatchOperationType.incr, path: '/n', value: 2 },
      { op: PatchOperationType.add, path: '/list/1', value: 'b' },
      { op: PatchOperationType.set, path: '/deep', value: { x: 1 } },
      { op: PatchOperationType.replace, path: '/deep/x', value: 2 },
    ])
    expect(resource).toMatchObject({ n: 3, list: ['a', 'b', 'c'], deep: { x: 2 } })
    const condition = 'from c where c.n = 4'
    const operations = [{ op: PatchOperationType.remove, path: '/n' }]
    expect(await codeOf(item.patch({ operations, condition }))).toBe(412)
    expect(await codeOf(item.patch([{ op: PatchOperationType.remove, path: '/none' }]))).toBe(400)
  })

  test('a batch is all or nothing', async () => {
    const failed = await items.items.batch(
      [
        { operationType: BulkOperationType.Create, resourceBody: { id: 'b1', pk: 'batch' } },
        { operationType: BulkOperationType.Replace, id: 'none', resourceBody: { id: 'none', pk: 'batch' } },
      ],
      'batch',
    )
    expect(failed.code).toBe(207)
    expect(failed.result?.map(({ statusCode }) => statusCode)).toEqual([424, 404])
    expect((await items.item('b1', 'batch').read()).statusCode).toBe(404)
    const done = await items.items.batch(
      [
        { operationType: BulkOperationType.Create, resourceBody: { id: 'b1', pk: 'batch' } },
        { operationType: BulkOperationType.Upsert, resourceBody: { id: 'b1', pk: 'batch', n: 2 } },
        { operationType: BulkOperationType.Read, id: 'b1' },
      ],
      'batch',
    )
    expect(done.result?.map(({ statusCode }) => statusCode)).toEqual([201, 200, 200])
    expect(done.result?.[2]?.resourceBody).toMatchObject({ n: 2 })
  })

  test('bulk goes on after a failure', async () => {
    const result = await items.items.executeBulkOperations([
      { operationType: BulkOperationType.Create, partitionKey: 'k1', resourceBody: { id: 'x', pk: 'k1' } },
      { operationType: BulkOperationType.Create, partitionKey: 'k1', resourceBody: { id: 'x', pk: 'k1' } },
      { operationType: BulkOperationType.Upsert, partitionKey: 'k2', resourceBody: { id: 'x', pk: 'k2' } },
    ])
    expect(result.map(({ response, error }) => response?.statusCode ?? error?.code)).toEqual([201, 409, 201])
  })

  test('throttling on demand: the client waits and succeeds, or sees 429', async () => {
    const throttle = (next: number): Promise<Response> =>
      fetch(`http://127.0.0.1:${server.port}/_local/throttle`, { method: 'POST', body: JSON.stringify({ next }) })
    await throttle(3)
    expect(await codeOf(items.items.upsert({ id: 't', pk: 'throttle' }))).toBe('done')
    await throttle(50)
    expect(await codeOf(items.items.upsert({ id: 't', pk: 'throttle' }))).toBe(429)
    await throttle(0)
  })

  test('an expired document is gone at once, and its key can be created again', async () => {
    const { resource } = await items.items.create({ id: 'brief', pk: 'ttl', ttl: 1 })
    await items.items.create({ id: 'lasting', pk: 'ttl' })
    await sleep(((resource?._ts ?? 0) + 1) * 1000 - Date.now() + 5)
    expect((await items.item('brief', 'ttl').read()).statusCode).toBe(404)
    const { resources } = await items.items.readAll({ partitionKey: 'ttl' }).fetchAll()
    expect(ids(resources)).toEqual(['lasting'])
    expect(await codeOf(items.items.create({ id: 'brief', pk: 'ttl', ttl: 1 }))).toBe('done')
    expect(await codeOf(items.items.create({ id: 'odd', pk: 'ttl', ttl: 0 }))).toBe(400)
    await sleep(2000)
    server.store.sweep()
    const table = server.store.find('test', 'items')?.table
    const rows = server.store.all(`SELECT id FROM ${table} WHERE pk = '["ttl"]'`)
    expect(rows).toEqual([{ id: 'lasting' }])
  })
})

describe('change feed', () => {
  test('each document once at its newest, no deletes, resumable, per partition, from now', async () => {
    const { container } = await client.database('test').containers.create({ id: 'feed', partitionKey: '/pk' })
    for (const id of ['a', 'b', 'c', 'd']) await container.items.create({ id, pk: id === 'd' ? 'other' : 'feed', n: 1 })
    await container.items.upsert({ id: 'a', pk: 'feed', n: 2 })
    await container.item('b', 'feed').delete()
    const start = ChangeFeedStartFrom.Beginning()
    const reader = container.items.getChangeFeedIterator<ItemDefinition>({
      changeFeedStartFrom: start,
      maxItemCount: 2,
    })
    const first = await reader.readNext()
    expect(ids(first.result)).toEqual(['c', 'd'])
    const resumed = ChangeFeedStartFrom.Continuation(first.continuationToken)
    const second = container.items.getChangeFeedIterator<ItemDefinition>({ changeFeedStartFrom: resumed })
    expect((await second.readNext()).result).toMatchObject([{ id: 'a', n: 2, _lsn: 5 }])
    expect((await second.readNext()).statusCode).toBe(304)
    const own = ChangeFeedStartFrom.Beginning('other')
    const partition = container.items.getChangeFeedIterator<ItemDefinition>({ changeFeedStartFrom: own })
    expect(ids((await partition.readNext()).result)).toEqual(['d'])
    const now = container.items.getChangeFeedIterator<ItemDefinition>({
      changeFeedStartFrom: ChangeFeedStartFrom.Now(),
    })
    expect((await now.readNext()).statusCode).toBe(304)
    await container.items.create({ id: 'e', pk: 'feed' })
    expect(ids((await now.readNext()).result)).toEqual(['e'])
  })
})

describe('durability', () => {
  test('kill -9 loses no acknowledged write, and the feed goes on without a gap', async () => {
    const data = await mkdtemp(join(tmpdir(), 'cosmos-kill-'))
    const script = `import { startCosmosServer } from '${join(process.cwd(), 'local/azure/cosmos/server.ts')}'
      const server = await startCosmosServer({ folder: ${JSON.stringify(data)}, port: 0, key: ${JSON.stringify(localCosmosKey)} })
      console.log(server.port)`
    const run = async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      return { child, client: clientFor(Number(line.toString())) }
    }
    const first = await run()
    const { database } = await first.client.databases.create({ id: 'd' })
    const { container } = await database.containers.create({ id: 'c', partitionKey: '/pk' })
    const acknowledged: string[] = []
    const writing = (async () => {
      for (let at = 0; ; at += 1) {
        await container.items.create({ id: `k${at}`, pk: 'p' }, { abortSignal: AbortSignal.timeout(2000) })
        acknowledged.push(`k${at}`)
      }
    })().catch(() => undefined)
    await until(() => (acknowledged.length > 20 ? true : undefined))
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    first.client.dispose()
    const second = await run()
    const reopened = second.client.database('d').container('c')
    const { resources } = await reopened.items.readAll<ItemDefinition>({ partitionKey: 'p' }).fetchAll()
    const kept = new Set(ids(resources))
    expect(acknowledged.length).toBeGreaterThan(20)
    expect(acknowledged.filter((id) => !kept.has(id))).toEqual([])
    second.client.dispose()
    second.child.kill('SIGKILL')
    await once(second.child, 'exit')
    await writing
    await rm(data, { recursive: true, force: true })
  })
})
