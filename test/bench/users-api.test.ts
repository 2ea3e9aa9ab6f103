import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { acts } from '../../bench/users/acts.ts'
import { steps } from '../../bench/users/schedule.ts'
import { judgeAll } from '../../bench/users/verdict.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { mediaKey, type MediaBody, objectKeyOf } from '../../shared/domain/asset.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { testClouds, type TestApi, type TestClouds } from '../http/fixture.ts'
import { memoryDelivery } from '../memory/delivery.ts'
import { personAt } from './person.ts'

const picture = { asset: 'shown', rendition: 'small', bytes: 4 }
const bytes = new TextEncoder().encode('tiny')
const servers: Server[] = []
let clouds: TestClouds
let urls: Record<'aws' | 'azure', { api: string }>

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The real API, behind a real socket. */
const serveApi = ({ app }: TestApi): Promise<string> =>
  serve((request, response) => {
    const { method = 'GET', url = '/', headers } = request
    const answered = buffer(request).then(async (content) => {
      const body = content.length > 0 ? { body: new Uint8Array(content) } : {}
      const answer = await app.request(url, { method, headers: headers as Record<string, string>, ...body })
      response.writeHead(answer.status, Object.fromEntries(answer.headers))
      response.end(new Uint8Array(await answer.arrayBuffer()))
    })
    answered.catch(() => response.destroy())
  })

/** A picture as processing leaves it. */
async function showPicture({ services, call }: TestApi): Promise<void> {
  const [mediaType, sha256] = ['image/png', sha256Hex(bytes)]
  await call('POST', '/v1/assets', { json: { id: picture.asset, name: 'a.png', mediaType } })
  const objectKey = objectKeyOf('acme', picture.asset, sha256)
  await services.objects.put(objectKey, bytes, { mediaType })
  const stored = { objectKey, bytes: bytes.length, sha256, crc64nvme: '', mediaType }
  const rendition = { name: picture.rendition, version: 1, properties: {}, ...stored }
  const told = { status: 'ready', version: 'v1', job: 'j1', site: 'aws' } as const
  const media: MediaBody = { ...told, properties: {}, renditions: [rendition], ...stored }
  await writeRecord(services, mediaKey('acme', picture.asset), { precondition: { kind: 'none' } }, () => media)
}

beforeAll(async () => {
  clouds = await testClouds()
  urls = { aws: { api: await serveApi(clouds.aws) }, azure: { api: await serveApi(clouds.azure) } }
  const edgeUrl = await serve((_, response) => void response.end(bytes))
  Object.assign(clouds.aws.services, { delivery: memoryDelivery({ clock: clouds.aws.services.clock, edgeUrl }) })
  await showPicture(clouds.aws)
  await clouds.sites.flush()
})

afterAll(async () => {
  for (const server of servers) {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
})

test('a user of the real API does everything without a failure, and what it wrote is found at both sites', async () => {
  const tenant = { key: clouds.keys.acme, picture }
  const person = personAt({ site: 'aws', apiUrl: urls.aws.api, tenant })
  for (const step of [...steps, ...steps]) await acts[step](person)
  person.api.close()
  person.edge.close()
  const { tally, ledger } = person
  expect([...tally.failures]).toEqual([])
  // An image is two calls, and one of them none of the API's.
  expect([tally.ended, tally.tookMs.get('all')?.count]).toEqual([14, 12])
  expect([...ledger.created.keys()]).toEqual(['u0-0', 'u0-1'])
  expect([...ledger.edited.values()]).toEqual([1, 1])
  await clouds.sites.flush()
  const verdict = () =>
    judgeAll({ ledgers: [ledger] }, { tenants: [tenant], collection: person.collection, urls, signal: person.signal })
  expect(await verdict()).toEqual({ lost: [], doubled: [], conflicts: 0 })
  for (const { records } of [clouds.sites.aws, clouds.sites.azure]) {
    records.load(records.all().filter(({ key }) => key.id !== ledger.created.get('u0-1')))
  }
  expect(await verdict()).toMatchObject({ lost: ['u0-1', ledger.created.get('u0-1')] })
})
