import { expect, test } from '@jest/globals'
import type { JsonObject } from '../../shared/domain/json.ts'
import { itemsOf, records, testClouds, type TestApi, type TestClouds, textOf } from './fixture.ts'

async function filled(count: number): Promise<TestClouds> {
  const clouds = await testClouds()
  for (let n = 0; n < count; n++) {
    const id = `r${String(n).padStart(3, '0')}`
    await clouds.aws.call('PUT', `${records}/${id}`, { json: { n }, headers: { 'if-none-match': '*' } })
  }
  await clouds.sites.flush()
  return clouds
}

async function pages(first: TestApi, second: TestApi, path: string): Promise<JsonObject[]> {
  const items: JsonObject[] = []
  let next: string | null = null
  for (let page = 0; page < 50; page++) {
    const cursor: string = next ? `&cursor=${next}` : ''
    const answer = await (page % 2 === 0 ? first : second).call('GET', `${path}${cursor}`)
    expect(answer.status).toBe(200)
    items.push(...itemsOf(answer))
    next = answer.json['next'] as string | null
    const link = answer.headers.get('link')
    if (next === null) {
      expect(link).toBeNull()
      return items
    }
    expect(link).toContain(`cursor=${next}`)
    expect(link).toMatch(/^<https:\/\/(aws|azure)\.test\/v1\/.*>; rel="next"$/)
  }
  throw new Error('The list never ends')
}

test('a list goes on at the other site, and shows every record once', async () => {
  const { aws, azure } = await filled(23)
  const items = await pages(aws, azure, `${records}?limit=5`)
  expect(items.map(({ id }) => id)).toEqual(Array.from({ length: 23 }, (_, n) => `r${String(n).padStart(3, '0')}`))
})

test('deleted records are shown on demand', async () => {
  const { aws } = await filled(3)
  await aws.call('DELETE', `${records}/r001`, { headers: { 'if-match': '*' } })
  expect((await pages(aws, aws, `${records}?limit=1`)).map(({ id }) => id)).toEqual(['r000', 'r002'])
  const all = await pages(aws, aws, `${records}?limit=1&deleted=true`)
  expect(all.map(({ id, deleted }) => [id, deleted])).toEqual([
    ['r000', false],
    ['r001', true],
    ['r002', false],
  ])
})

test('a cursor is good for its own list, filter and tenant only, and cannot be altered', async () => {
  const { aws, keys } = await filled(3)
  const cursor = textOf((await aws.call('GET', `${records}?limit=1`)).json['next'])
  const elsewhere: [string, string?][] = [
    [`/v1/collections/other/records?cursor=${cursor}`],
    [`${records}?deleted=true&cursor=${cursor}`],
    [`${records}?cursor=${cursor}`, keys.other],
    [`/v1/assets?cursor=${cursor}`],
    [`/v1/changes?cursor=${cursor}`],
    [`/v1/keys?cursor=${cursor}`],
    [`${records}/r000/versions?cursor=${cursor}`],
  ]
  for (const [path, key] of elsewhere) {
    const answer = await aws.call('GET', path, key ? { key } : {})
    expect([path, answer.status, answer.json['code']]).toEqual([path, 400, 'invalid-cursor'])
  }
  const altered = [
    ...Array.from(cursor, (char, at) => cursor.slice(0, at) + (char === 'A' ? 'B' : 'A') + cursor.slice(at + 1)),
    cursor.slice(1),
    cursor.slice(0, -1),
    `${cursor}A`,
    `${cursor}=`,
    cursor.replaceAll('-', '+').replaceAll('_', '/').concat('='),
  ].filter((text) => text !== cursor)
  for (const text of altered) {
    const answer = await aws.call('GET', `${records}?cursor=${encodeURIComponent(text)}`)
    expect([text, answer.status, answer.json['code']]).toEqual([text, 400, 'invalid-cursor'])
  }
})

test('a page is cut before it grows too large to answer', async () => {
  const { aws } = await testClouds()
  const text = 'x'.repeat(340_000)
  for (let n = 0; n < 15; n++) {
    await aws.call('PUT', `${records}/big${String(n).padStart(2, '0')}`, {
      json: { text },
      headers: { 'if-none-match': '*' },
    })
  }
  const first = await aws.call('GET', `${records}?limit=100`)
  expect(first.text.length).toBeLessThan(4.5 * 1024 * 1024)
  expect(itemsOf(first).length).toBe(12)
  const ids = (await pages(aws, aws, `${records}?limit=100`)).map(({ id }) => id)
  expect(ids).toEqual(Array.from({ length: 15 }, (_, n) => `big${String(n).padStart(2, '0')}`))
})

test('changes come in order, once settled, and go on at the other site', async () => {
  const { aws, azure, sites, keys } = await filled(7)
  const early = await aws.call('GET', '/v1/changes')
  expect(itemsOf(early)).toEqual([])
  await sites.clock.advance(5000)
  const seen = new Set<string>()
  let cursor = textOf(early.json['cursor'])
  for (let page = 0; page < 10; page++) {
    const answer = await aws.call('GET', `/v1/changes?limit=4&cursor=${cursor}`)
    for (const { id } of itemsOf(answer)) seen.add(textOf(id))
    cursor = textOf(answer.json['cursor'])
  }
  expect([...seen].sort()).toEqual(Array.from({ length: 7 }, (_, n) => `r00${n}`))
  const moved = await azure.call('GET', `/v1/changes?cursor=${cursor}`)
  expect(moved.status).toBe(200)
  await aws.call('DELETE', `${records}/r000`, { headers: { 'if-match': '*' } })
  const startMs = sites.clock.monotonicMs()
  const waited = await aws.call('GET', `/v1/changes?wait=20&cursor=${cursor}`)
  expect(itemsOf(waited)).toMatchObject([{ id: 'r000', deleted: true, body: null }])
  expect(sites.clock.monotonicMs() - startMs).toBeLessThan(5000)
  const idleMs = sites.clock.monotonicMs()
  const idle = await aws.call('GET', `/v1/changes?wait=3&cursor=${textOf(waited.json['cursor'])}`)
  expect([idle.status, itemsOf(idle)]).toEqual([200, []])
  expect(sites.clock.monotonicMs() - idleMs).toBeGreaterThanOrEqual(2500)
  expect((await aws.call('GET', '/v1/changes?wait=21')).status).toBe(400)
  const away = AbortSignal.abort()
  const headers = { authorization: `Bearer ${keys.acme}` }
  const left = await aws.app.request('http://api.test/v1/changes?wait=20', { headers, signal: away })
  expect(left.status).toBeLessThan(505)
  expect(left.status).not.toBe(500)
})

test("changes leave out the system's own records", async () => {
  const { aws, sites } = await testClouds()
  await aws.call('POST', '/v1/assets', { json: { name: 'a.jpg', mediaType: 'image/jpeg' } })
  await sites.clock.advance(5000)
  const answer = await aws.call('GET', '/v1/changes')
  expect(itemsOf(answer).map(({ collection }) => collection)).toEqual(['assets'])
})
