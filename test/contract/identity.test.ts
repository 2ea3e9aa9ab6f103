import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { functionIdentity as roleIdentity } from '../../aws/adapters/identity.ts'
import { functionIdentity } from '../../azure/adapters/identity.ts'

/** The identity endpoint of a Functions host, as its REST protocol describes it. */
let host: Server
let endpoint = ''
let answers: (readonly [status: number, body: string])[] = []
const asked: Pick<IncomingMessage, 'url' | 'headers'>[] = []
const pauseMs = 1
const good = JSON.stringify({ access_token: 'word', expires_on: '1900000000', resource: 'r', token_type: 'Bearer' })

beforeAll(async () => {
  host = createServer(({ url, headers }, response) => {
    asked.push({ url: url ?? '', headers })
    const [status, body] = answers.shift() ?? [500, 'no more answers']
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }).listen(0, '127.0.0.1')
  await once(host, 'listening')
  endpoint = `http://127.0.0.1:${(host.address() as AddressInfo).port}/msi/token`
})
beforeEach(() => {
  answers = []
  asked.length = 0
})
afterAll(() => {
  host.close()
})

describe('the identity of the Functions app', () => {
  const identity = (clientId?: string) => functionIdentity({ endpoint, header: 'secret', clientId, pauseMs })

  test('asks for the resource of the scope, in the name of the assigned identity', async () => {
    answers = [[200, good]]
    await expect(identity('who').getToken(['https://storage.azure.com/.default'])).resolves.toEqual({
      token: 'word',
      expiresOnTimestamp: 1_900_000_000_000,
    })
    const { searchParams } = new URL(asked[0]?.url ?? '', endpoint)
    expect(Object.fromEntries(searchParams)).toEqual({
      resource: 'https://storage.azure.com',
      'api-version': '2019-08-01',
      client_id: 'who',
    })
    expect(asked[0]?.headers['x-identity-header']).toBe('secret')
  })

  test('names no identity when the system-assigned one is meant', async () => {
    answers = [[200, good]]
    await identity().getToken('api://catamaran-peer/.default')
    expect(asked[0]?.url).toBe('/msi/token?resource=api%3A%2F%2Fcatamaran-peer&api-version=2019-08-01')
  })

  test('asks again what may pass by itself, and not what will not', async () => {
    answers = [
      [503, 'soon'],
      [429, 'slower'],
      [404, 'not assigned yet'],
      [200, good],
    ]
    await expect(identity().getToken('a')).resolves.toMatchObject({ token: 'word' })
    answers = [[400, 'no such identity']]
    await expect(identity().getToken('a')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('400 no such identity'),
      details: { publicMessage: expect.not.stringContaining('400') },
    })
    expect(asked.length).toBe(5)
  })

  test.each([
    ['no JSON', 'oops'],
    ['no token', '{"expires_on":"1900000000"}'],
    ['no end', '{"access_token":"word"}'],
  ])('takes an answer with %s for none', async (_, body) => {
    answers = Array.from({ length: 4 }, () => [200, body] as const)
    await expect(identity().getToken('a')).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('says what is missing where there is no identity', async () => {
    const without = functionIdentity({ endpoint: undefined, header: undefined, clientId: undefined })
    await expect(without.getToken('a')).rejects.toThrow('has the app an identity?')
  })
})

describe('the identity of a Lambda function', () => {
  test('is what Lambda put into the environment', async () => {
    const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: session } = process.env
    try {
      Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'B', AWS_SESSION_TOKEN: 'C' })
      await expect(roleIdentity()()).resolves.toMatchObject({
        accessKeyId: 'A',
        secretAccessKey: 'B',
        sessionToken: 'C',
      })
    } finally {
      for (const [name, value] of Object.entries({
        AWS_ACCESS_KEY_ID: id,
        AWS_SECRET_ACCESS_KEY: secret,
        AWS_SESSION_TOKEN: session,
      })) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    }
  })
})
