import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { CosmosClient } from '@azure/cosmos'
import { StorageSharedKeyCredential } from '@azure/storage-blob'
import { QueueServiceClient } from '@azure/storage-queue'
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { calling as callingAws } from '../../aws/adapters/errors.ts'
import { calling as callingAzure } from '../../azure/adapters/errors.ts'
import { publicMessageOf, type CatamaranError } from '../../shared/domain/errors.ts'
import { problemOf, publicError } from '../../shared/http/problem.ts'

/** What only operators may read: who asked, of what, where. */
const secrets = /arn:aws|123456789012|catamaran-role|records-table|acme-account|127\.0\.0\.1|ECONNREFUSED/
const accessDenied =
  'User: arn:aws:sts::123456789012:assumed-role/catamaran-role/http is not authorized to perform: dynamodb:GetItem ' +
  'on resource: arn:aws:dynamodb:eu-central-1:123456789012:table/records-table'
const throttled = 'Throughput exceeds the limit of arn:aws:dynamodb:eu-central-1:123456789012:table/records-table'
const key = Buffer.from('key').toString('base64')

/** Answers each path as the clouds do when they refuse; `/closed` is none of its paths. */
const server = createServer((request, response) => {
  const json = (status: number, body: object, headers: Record<string, string> = {}): void =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  const path = request.url ?? ''
  if (path.startsWith('/dynamodb-denied')) {
    return json(400, { __type: 'com.amazon.coral.service#AccessDeniedException', Message: accessDenied })
  }
  if (path.startsWith('/dynamodb-throttled')) {
    return json(400, { __type: 'com.amazonaws.dynamodb.v20120810#ThrottlingException', message: throttled })
  }
  const xml = (status: number, code: string): void =>
    void response
      .writeHead(status, { 'content-type': 'application/xml', 'x-ms-error-code': code })
      .end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>Of acme-account.\nRequestId:1</Message></Error>`)
  if (path.startsWith('/busy')) return xml(503, 'ServerBusy')
  if (path.startsWith('/acme-account')) return xml(403, 'AuthorizationFailure')
  return json(403, { code: 'Forbidden', message: 'Request for records-table blocked by acme-account' })
})
let url = ''

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => void server.close())

const dynamodb = (endpoint: string) => async (): Promise<CatamaranError> => {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const client = new DynamoDBClient({ endpoint, region: 'eu-central-1', credentials, maxAttempts: 1 })
  const command = new GetItemCommand({ TableName: 'records-table', Key: { pk: { S: 'a' } } })
  return faultOf(callingAws('reading a record', () => client.send(command)))
}

const queue = (endpoint: string) => async (): Promise<CatamaranError> => {
  const credential = new StorageSharedKeyCredential('acme-account', key)
  const service = new QueueServiceClient(`${endpoint}/acme-account`, credential, { retryOptions: { maxTries: 1 } })
  return faultOf(callingAzure('queueing a job', () => service.getQueueClient('jobs').sendMessage('x')))
}

const cosmos = (endpoint: string) => async (): Promise<CatamaranError> => {
  const connectionPolicy = { enableEndpointDiscovery: false, retryOptions: { maxRetryAttemptCount: 0 } }
  const client = new CosmosClient({ endpoint, key, connectionPolicy } as ConstructorParameters<typeof CosmosClient>[0])
  const item = client.database('catamaran').container('records-table').item('a', 'a')
  return faultOf(callingAzure('reading a record', () => item.read()))
}

const faultOf = (call: Promise<unknown>): Promise<CatamaranError> =>
  call.then(
    () => Promise.reject(new Error('It was not refused.')),
    (error: unknown) => error as CatamaranError,
  )

const nobody = 'http://127.0.0.1:1'
const cases = [
  ['DynamoDB denies access', () => dynamodb(`${url}/dynamodb-denied`), 'internal', /operator/],
  ['DynamoDB throttles', () => dynamodb(`${url}/dynamodb-throttled`), 'throttled', /a little later/],
  ['DynamoDB is down', () => dynamodb(nobody), 'unavailable', /does not answer just now. Try again/],
  ['Queue Storage denies access', () => queue(url), 'internal', /operator/],
  ['Queue Storage is busy', () => queue(`${url}/busy`), 'throttled', /a little later/],
  ['Queue Storage is down', () => queue(nobody), 'unavailable', /does not answer just now. Try again/],
  ['Cosmos DB denies access', () => cosmos(url), 'internal', /operator/],
  ['Cosmos DB is down', () => cosmos(nobody), 'unavailable', /does not answer just now. Try again/],
] as const

describe("what a client reads of an SDK's error", () => {
  test.each(cases)('%s: our words alone; the error itself keeps the whole', async (_name, ask, code, told) => {
    const error = await ask()()
    expect(error.code).toBe(code)
    expect(error.message).toMatch(secrets)
    const problem = problemOf(publicError(error))
    expect(problem).toMatchObject({ code, detail: expect.stringMatching(told) })
    expect(JSON.stringify(problem)).not.toMatch(secrets)
    expect(publicMessageOf(error)).toBe(problem.detail)
  })
})
