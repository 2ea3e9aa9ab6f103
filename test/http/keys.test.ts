import { expect, test } from '@jest/globals'
import { authenticateKey, mintKey, revokeKey } from '../../shared/core/keys.ts'
import { twoSites } from '../core/two-sites.ts'
import { itemsOf, records, testClouds, textOf } from './fixture.ts'

test('a key is an id, a secret and a checksum; only a hash of the secret is stored', async () => {
  const { aws } = twoSites()
  const { text = '', view } = await mintKey(aws.services, { tenant: 'acme', name: 'n', scopes: ['records:read'] })
  expect(text).toMatch(/^cat_[0-9a-z]{12}_[0-9a-z]{32}_[0-9a-f]{8}$/)
  expect(text.split('_')[1]).toBe(view.id)
  expect(JSON.stringify(aws.records.all())).not.toContain(text.split('_')[2])
  expect(await authenticateKey(aws.services, text)).toEqual({
    tenant: 'acme',
    keyId: view.id,
    scopes: ['records:read'],
  })
})

test('a mistyped key is refused without a look-up, a forged secret after one', async () => {
  const { aws } = twoSites()
  const { text = '' } = await mintKey(aws.services, { tenant: 'acme', name: 'n', scopes: [] })
  const other = (await mintKey(aws.services, { tenant: 'acme', name: 'm', scopes: [] })).text ?? ''
  let reads = 0
  const counting = {
    ...aws.services,
    records: { ...aws.services.records, get: (key: never) => (reads++, aws.services.records.get(key)) },
  }
  for (let at = 0; at < text.length; at++) {
    const char = text[at] === 'a' ? 'b' : 'a'
    expect(await authenticateKey(counting, text.slice(0, at) + char + text.slice(at + 1))).toBeUndefined()
  }
  expect(reads).toBe(0)
  // The checksum is no secret: with a right one, the secret itself is compared.
  const { crc32 } = await import('node:zlib')
  const forged = [text.split('_').slice(0, 2), other.split('_')[2]].flat().join('_')
  expect(await authenticateKey(counting, `${forged}_${crc32(forged).toString(16).padStart(8, '0')}`)).toBeUndefined()
  expect(reads).toBeGreaterThan(0)
  expect(await authenticateKey(counting, text)).toBeDefined()
})

test('revocation holds at once here and within a minute at the other site', async () => {
  const sites = twoSites()
  const { text = '', view } = await mintKey(sites.aws.services, { tenant: 'acme', name: 'n', scopes: [] })
  await sites.flush()
  expect(await authenticateKey(sites.azure.services, text)).toBeDefined()
  await expect(revokeKey(sites.aws.services, 'other', view.id)).rejects.toMatchObject({ code: 'not-found' })
  expect(await authenticateKey(sites.aws.services, text)).toBeDefined()
  await revokeKey(sites.aws.services, 'acme', view.id)
  expect(await authenticateKey(sites.aws.services, text)).toBeUndefined()
  await sites.flush()
  await sites.clock.advance(29_000)
  expect(await authenticateKey(sites.azure.services, text)).toBeDefined()
  await sites.clock.advance(1_000)
  expect(await authenticateKey(sites.azure.services, text)).toBeUndefined()
})

test('a key ends when it says', async () => {
  const { aws, clock } = twoSites()
  const expiresAt = new Date(clock.now() + 10_000).toISOString()
  const { text = '' } = await mintKey(aws.services, { tenant: 'acme', name: 'n', scopes: [], expiresAt })
  expect(await authenticateKey(aws.services, text)).toBeDefined()
  await clock.advance(10_000)
  expect(await authenticateKey(aws.services, text)).toBeUndefined()
})

test('over the API: made, listed, used, revoked; scopes can be handed on but not gained', async () => {
  const { aws, keys, keyWith } = await testClouds()
  const made = await aws.call('POST', '/v1/keys', { json: { name: 'reader', scopes: ['records:read'] } })
  const key = textOf(made.json['key'])
  expect((await aws.call('GET', records, { key })).status).toBe(200)
  const listed = await aws.call('GET', '/v1/keys')
  expect(itemsOf(listed).map(({ name }) => name)).toContain('reader')
  expect(listed.text).not.toMatch(/hash|secret/)
  const path = `/v1/keys/${textOf(made.json['id'])}`
  expect((await aws.call('DELETE', path, { key: keys.other })).status).toBe(404)
  expect([(await aws.call('DELETE', path)).status, (await aws.call('DELETE', path)).status]).toEqual([204, 204])
  expect((await aws.call('GET', records, { key })).status).toBe(401)
  expect(itemsOf(await aws.call('GET', '/v1/keys')).find(({ id }) => id === made.json['id'])).toHaveProperty(
    'revokedAt',
  )
  const minter = await keyWith(['keys:write', 'assets:read'])
  const beyond = await aws.call('POST', '/v1/keys', {
    key: minter,
    json: { name: 'x', scopes: ['assets:read', 'records:write'] },
  })
  expect([beyond.status, beyond.json['detail']]).toEqual([403, expect.stringContaining('records:write')])
  expect((await aws.call('POST', '/v1/keys', { json: { name: 'x', scopes: ['everything'] } })).status).toBe(400)
})
