import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CosmosClient } from '@azure/cosmos'
import { type QueueClient, QueueServiceClient } from '@azure/storage-queue'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { azurePorts, cosmosConnectionString, storageConnectionString } from '../../../local/azure/endpoints.ts'
import { makeApp } from './functions-app.ts'
import { freePortBase, type Running, run, until } from './processes.ts'

interface Entry {
  readonly feed?: string[]
  readonly retry?: number
  readonly failing?: boolean
  readonly careless?: string[]
  readonly job?: unknown
  readonly count?: number
  readonly timer?: string
}

let data: string
let args: string[]
let environment: Record<string, string>
let stores: Running[] = []
let host: Running
let url: string
let cosmos: CosmosClient
let jobs: QueueClient
let poison: QueueClient

const said = async (): Promise<Entry[]> => {
  const text = await readFile(environment.JOURNAL ?? '', 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry)
}
const create = (id: string): Promise<unknown> =>
  cosmos.database('catamaran').container('records').items.create({ id, pk: 'p' })
const send = (queue: QueueClient, message: object): Promise<unknown> =>
  queue.sendMessage(Buffer.from(JSON.stringify(message)).toString('base64'))

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'functions-'))
  const base = await freePortBase()
  const ports = azurePorts(base)
  args = ['--data', data, '--port-base', String(base), '--app', join(data, 'app'), '--schedule-scale', '60']
  environment = { JOURNAL: join(data, 'journal'), JOBS: 'jobs' }
  await makeApp(join(data, 'app'), '00:05:00')
  const storage = storageConnectionString(ports.blob, ports.queue)
  cosmos = new CosmosClient(cosmosConnectionString(ports.cosmos))
  const queues = QueueServiceClient.fromConnectionString(storage)
  jobs = queues.getQueueClient('jobs')
  poison = queues.getQueueClient('jobs-poison')
  const starting = ['azurite.ts', 'services.ts'].map((entry) => run(entry, args))
  host = await run('host.ts', args, environment)
  stores = await Promise.all(starting)
  url = `http://127.0.0.1:${ports.api}`
  process.stdout.write(
    `host ready in ${String(host.ready.ms)} ms, stores in ${stores.map(({ ready }) => ready.ms).join(', ')} ms\n`,
  )
}, 120_000)

afterAll(async () => {
  cosmos.dispose()
  await host.kill('SIGTERM')
  for (const store of stores) await store.kill('SIGTERM')
  await rm(data, { recursive: true, force: true })
})

test('the registrations are listed with their triggers', async () => {
  const list = (await (await fetch(`${url}/admin/functions`)).json()) as { name: string; trigger: { type: string } }[]
  expect(list.map(({ name, trigger }) => `${name}:${trigger.type}`)).toContain('feed:cosmosDBTrigger')
  expect(list).toHaveLength(10)
})

test('routes, parameters, headers, cookies, status', async () => {
  const answer = await fetch(`${url}/v1/a%20b/ä?q=1&q2=x`, { method: 'PUT', body: 'x', headers: { 'x-h': 'yes' } })
  expect(answer.status).toBe(201)
  expect(answer.headers.get('x-method')).toBe('PUT')
  expect(answer.headers.get('etag')).toBe('"1"')
  expect(answer.headers.getSetCookie()).toEqual(['a=b'])
  expect(await answer.json()).toEqual({ path: 'v1/a b/ä', url: `${url}/v1/a%20b/%C3%A4?q=1&q2=x`, q: '1', h: 'yes' })
  expect(await (await fetch(`${url}/items/7`)).json()).toEqual({ id: '7' })
  expect((await fetch(`${url}/items/x`)).status).toBe(201)
  expect((await fetch(`${url}/echo`, { method: 'DELETE' })).status).toBe(404)
  const head = await fetch(`${url}/any`, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([201, ''])
})

test('a function that throws answers 500 and the host goes on', async () => {
  const answer = await fetch(`${url}/boom`)
  expect([answer.status, answer.headers.get('content-type')]).toEqual([500, 'application/problem+json'])
  expect(await answer.json()).toMatchObject({
    code: 'internal',
    status: 500,
    detail: 'The function ended with an error.',
  })
  expect((await fetch(`${url}/items/1`)).status).toBe(200)
})

test('over 100 MB is 413; 99 MB stream through and back, twice, at flat memory', async () => {
  const large = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { 'content-length': 100 * 1024 * 1024 + 1 }
    const sending = request(`${url}/echo`, { method: 'POST', headers }, (answer) => resolve(answer.statusCode))
    sending.once('error', reject)
    sending.flushHeaders()
  })
  expect(large).toBe(413)
  const chunk = Buffer.alloc(1024 * 1024, 1)
  for (let round = 0; round < 2; round += 1) {
    const sending = request(`${url}/echo`, { method: 'POST' })
    const answered = once(sending, 'response')
    const sent = (async () => {
      for (let at = 0; at < 99; at += 1) if (!sending.write(chunk)) await once(sending, 'drain')
      sending.end()
    })()
    const [answer] = (await answered) as [AsyncIterable<Buffer>]
    let bytes = 0
    for await (const part of answer) bytes += part.length
    await sent
    expect(bytes).toBe(99 * chunk.length)
  }
  const status = await readFile(`/proc/${host.child.pid}/status`, 'utf8')
  const peakKilobytes = Number(/VmHWM:\s+(\d+)/u.exec(status)?.[1])
  process.stdout.write(`functions host: peak ${Math.round(peakKilobytes / 1024)} MB while 200 MB passed both ways\n`)
  expect(peakKilobytes).toBeLessThan(350 * 1024)
}, 120_000)

test('queue messages are handled once, failing ones go to the poison queue after maxDequeueCount', async () => {
  await send(jobs, { n: 1 })
  await send(jobs, { n: 2, fail: true })
  const [dead] = await until(async () => {
    const { receivedMessageItems } = await poison.receiveMessages()
    return receivedMessageItems.length > 0 ? receivedMessageItems : undefined
  })
  expect(JSON.parse(Buffer.from(dead?.messageText ?? '', 'base64').toString())).toEqual({ n: 2, fail: true })
  const calls = (await said()).filter(({ job }) => job !== undefined)
  expect(calls.filter(({ job }) => (job as { n: number }).n === 1)).toEqual([{ job: { n: 1 }, count: 1 }])
  expect(calls.filter(({ job }) => (job as { n: number }).n === 2).map(({ count }) => count)).toEqual([1, 2, 3])
  await until(async () => ((await jobs.getProperties()).approximateMessagesCount === 0 ? true : undefined))
})

test('with a retry policy the feed waits at a failing batch; without one it moves past', async () => {
  await writeFile(`${environment.JOURNAL}.fail`, '')
  for (const id of ['d1', 'd2', 'd3', 'd4', 'd5']) await create(id)
  await until(async () => ((await said()).filter(({ failing }) => failing === true).length >= 2 ? true : undefined))
  expect((await said()).some(({ feed }) => feed?.includes('d5') === true)).toBe(false)
  await until(async () => ((await said()).some(({ careless }) => careless?.[0] === 'd5') ? true : undefined))
  const careless = (await said()).flatMap((entry) => entry.careless ?? [])
  expect(careless).toEqual(['d1', 'd2', 'd3', 'd4', 'd5'])
  await rm(`${environment.JOURNAL}.fail`)
  await until(async () => ((await said()).some(({ feed }) => feed?.includes('d5') === true) ? true : undefined))
  const handled = (await said()).filter(({ failing }) => failing === false).flatMap(({ feed }) => feed ?? [])
  expect(handled).toEqual(['d1', 'd2', 'd3', 'd4', 'd5'])
  expect((await said()).filter(({ failing }) => failing === true).map(({ retry }) => retry)).toContain(1)
}, 120_000)

test('timers run on their schedule, on startup, and on demand', async () => {
  expect((await said()).some(({ timer }) => timer === 'start')).toBe(true)
  await until(async () => ((await said()).some(({ timer }) => timer === 'sweep') ? true : undefined))
  const before = (await said()).filter(({ timer }) => timer === 'start').length
  expect((await fetch(`${url}/admin/functions/timer-start`, { method: 'POST' })).status).toBe(202)
  expect((await said()).filter(({ timer }) => timer === 'start').length).toBe(before + 1)
  expect((await fetch(`${url}/admin/functions/none`, { method: 'POST' })).status).toBe(404)
})

test('a host killed at a failing batch goes on there after the restart, losing nothing', async () => {
  await writeFile(`${environment.JOURNAL}.fail`, '')
  await rm(environment.JOURNAL ?? '')
  await cosmos.database('catamaran').container('records').items.upsert({ id: 'd3', pk: 'p' })
  await until(async () => ((await said()).some(({ failing }) => failing === true) ? true : undefined))
  await host.kill('SIGKILL')
  await create('d6')
  await rm(`${environment.JOURNAL}.fail`)
  host = await run('host.ts', args, environment)
  await until(async () => ((await said()).some(({ feed }) => feed?.includes('d6') === true) ? true : undefined))
  const handled = (await said()).filter(({ failing }) => failing === false).flatMap(({ feed }) => feed ?? [])
  expect(handled).toEqual(['d3', 'd6'])
}, 120_000)

test('a function that outlives its time takes the process down with code 70', async () => {
  await host.kill('SIGTERM')
  await makeApp(join(data, 'app'), '00:00:02')
  host = await run('host.ts', args, environment)
  const hanging = fetch(`${url}/hang`).catch(() => undefined)
  const [code] = await once(host.child, 'exit')
  expect(code).toBe(70)
  await hanging
  host = await run('host.ts', args, environment)
  const began = performance.now()
  expect(await host.kill('SIGTERM')).toBe(0)
  expect(performance.now() - began).toBeLessThan(3000)
}, 120_000)
