import { expect, test } from '@jest/globals'
import { isJsonObject, type Json, type JsonObject } from '../../shared/domain/json.ts'
import { makeApp } from '../../shared/http/app.ts'
import { testClouds, textOf } from './fixture.ts'
import { signingOf, siteKeys } from './signing-keys.ts'

const objectAt = (value: Json | undefined, name: string): JsonObject => {
  const member = isJsonObject(value) ? value[name] : undefined
  return isJsonObject(member) ? member : {}
}

/** Every object inside a value, itself included. */
function* objectsIn(value: Json): Generator<JsonObject> {
  if (Array.isArray(value)) for (const each of value) yield* objectsIn(each)
  if (!isJsonObject(value)) return
  yield value
  for (const each of Object.values(value)) yield* objectsIn(each)
}

const document = async (): Promise<JsonObject> =>
  (await (await testClouds()).aws.call('GET', '/openapi.json', { key: undefined })).json

test('the document is OpenAPI 3.1 with everything it refers to', async () => {
  const made = await document()
  expect(made['openapi']).toBe('3.1.0')
  expect(made['servers']).toMatchObject([{ url: 'https://aws.test' }, { url: 'https://azure.test' }])
  const schemas = objectAt(made['components'], 'schemas')
  for (const { $ref } of objectsIn(made)) {
    if ($ref === undefined) continue
    const name = /^#\/components\/schemas\/(\w+)$/.exec(textOf($ref))?.[1] ?? ''
    expect([$ref, Object.hasOwn(schemas, name)]).toEqual([$ref, true])
  }
  const security = objectAt(made['components'], 'securitySchemes')
  expect(Object.keys(security)).toEqual(['bearer', 'apiKey'])
})

test('every operation is complete: id, tag, parameters, answers', async () => {
  const made = await document()
  const tags = new Set((made['tags'] as JsonObject[]).map(({ name }) => name))
  const ids = new Set<unknown>()
  for (const [path, item] of Object.entries(made['paths'] as JsonObject)) {
    for (const [method, operation] of Object.entries(item as JsonObject)) {
      const { operationId, summary, responses, parameters = [] } = operation as JsonObject
      const place = `${method} ${path}`
      expect([place, ids.has(operationId), typeof summary]).toEqual([place, false, 'string'])
      ids.add(operationId)
      expect(((operation as JsonObject)['tags'] as Json[]).every((tag) => tags.has(tag))).toBe(true)
      const inPath = (parameters as JsonObject[]).filter((each) => each['in'] === 'path')
      expect([place, inPath.map(({ name }) => `{${textOf(name)}}`)]).toEqual([place, path.match(/\{.+?\}/g) ?? []])
      expect(inPath.every(({ required }) => required === true)).toBe(true)
      const statuses = Object.keys(responses as JsonObject)
      expect([place, statuses.includes('default'), statuses.some((status) => /^[23]/.test(status))]).toEqual([
        place,
        true,
        true,
      ])
      for (const response of Object.values(responses as JsonObject)) {
        expect(typeof (response as JsonObject)['description']).toBe('string')
      }
      const needsBody = ['put', 'patch'].includes(method)
      if (needsBody) expect([place, Object.hasOwn(operation as JsonObject, 'requestBody')]).toEqual([place, true])
    }
  }
})

test('every route of the app is in it, and nothing else', async () => {
  const { aws } = await testClouds()
  const app = makeApp({
    services: aws.services,
    signing: signingOf(siteKeys()).aws,
    publicUrl: 'https://a.test',
    peerUrl: 'https://b.test',
    edgeUrl: 'https://c.test',
  })
  const pages = ['/', '/docs', '/openapi.json']
  const routed = app.routes
    .filter(({ method, path }) => method !== 'ALL' && !pages.includes(path))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
  const described = Object.entries((await document())['paths'] as JsonObject).flatMap(([path, item]) =>
    Object.keys(item as JsonObject).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(described.sort()).toEqual([...new Set(routed)].sort())
  expect(described.length).toBeGreaterThan(30)
})

test('the pages need no key, no script and no other host, and show every operation', async () => {
  const { aws } = await testClouds()
  const docs = await aws.call('GET', '/docs', { key: undefined })
  expect([docs.status, docs.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(docs.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/)
  expect(docs.text).not.toMatch(/<script|<link|@import|url\(/i)
  for (const item of Object.values((await document())['paths'] as JsonObject)) {
    for (const operation of Object.values(item as JsonObject)) {
      expect(docs.text).toContain(`id="${textOf((operation as JsonObject)['operationId'])}"`)
    }
  }
  const anchors = new Set(Array.from(docs.text.matchAll(/ id="([^"]+)"/g), ([, id]) => id))
  for (const [, target] of docs.text.matchAll(/href="#([^"]+)"/g))
    expect([target, anchors.has(target)]).toEqual([target, true])
  const known = await aws.call('GET', '/docs', { headers: { 'if-none-match': docs.headers.get('etag') ?? '' } })
  expect([known.status, known.text]).toEqual([304, ''])
  const index = await aws.call('GET', '/', { key: undefined })
  expect(index.text).toMatch('https://aws.test/docs')
})

test('what the documentation shows is escaped', async () => {
  const { aws } = await testClouds({ publicUrl: 'https://a.test/"><script>alert(1)</script>' })
  for (const path of ['/', '/docs']) expect((await aws.call('GET', path)).text).not.toMatch('<script>')
})
