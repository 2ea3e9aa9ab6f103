import { beforeEach, describe, expect, test } from '@jest/globals'
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { calling } from '../../aws/adapters/errors.ts'
import { memoryTelemetry, type MemoryTelemetry } from '../memory/telemetry.ts'
import { records, testClouds, type Answer, type TestApi } from './fixture.ts'

const nobody = 'http://127.0.0.1:1'
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const client = new DynamoDBClient({ endpoint: nobody, region: 'eu-central-1', credentials, maxAttempts: 1 })
const readNothing = () =>
  calling('reading a record', () => client.send(new GetItemCommand({ TableName: 't', Key: { pk: { S: 'a' } } })))

let api: TestApi
let telemetry: MemoryTelemetry

/** After the key has been looked up, which is cached, the store answers no more. */
beforeEach(async () => {
  telemetry = memoryTelemetry()
  const clouds = await testClouds()
  api = clouds.aws
  await api.call('GET', `${records}/a`)
  Object.assign(api.services.telemetry, telemetry)
  Object.assign(api.services.records, { get: readNothing })
})

const loggedErrors = () => telemetry.logs.filter(({ error }) => error !== undefined)

describe('a store that is down', () => {
  test('is told in words of ours; the log has the whole, with the id of the request', async () => {
    const answer: Answer = await api.call('GET', `${records}/a`, { headers: { 'x-request-id': 'down-1' } })
    expect(answer.json).toMatchObject({ status: 503, code: 'unavailable', detail: expect.stringMatching(/Try again/) })
    expect(answer.text).not.toMatch(/ECONNREFUSED|127\.0\.0\.1/)
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(loggedErrors()).toMatchObject([
      { level: 'error', fields: { requestId: 'down-1' }, error: { message: expect.stringMatching(/ECONNREFUSED/) } },
    ])
  })

  test('and so is a line of a batch', async () => {
    const line = JSON.stringify({ op: 'put', id: 'a', body: {} })
    const answer = await api.call('POST', '/v1/collections/notes/batch', {
      body: `${line}\n`,
      headers: { 'content-type': 'application/x-ndjson', 'x-request-id': 'down-2' },
    })
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toMatchObject({ status: 503, problem: { code: 'unavailable' } })
    expect(answer.text).not.toMatch(/ECONNREFUSED|127\.0\.0\.1/)
    expect(loggedErrors()).toMatchObject([
      { fields: { requestId: 'down-2', line: 1 }, error: { message: expect.stringMatching(/ECONNREFUSED/) } },
    ])
  })
})
