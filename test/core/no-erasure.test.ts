import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { handleChanges } from '../../shared/core/feed.ts'
import { sweep } from '../../shared/core/sweep.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { jobKey, uploadKey } from '../../shared/domain/asset.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { twoSites } from './two-sites.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Every file that a file of this repository needs, itself included. */
function reachableFrom(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen
  seen.add(path)
  for (const [, name = ''] of textOf(path).matchAll(/^(?:import|export)(?! type)[^'"]*['"](\.[^'"]+)['"]/gm)) {
    reachableFrom(join(dirname(path), name), seen)
  }
  return seen
}

/** `mend-object` puts nothing but the bytes that a key's digest names. */
const known = ['shared/core/mend-object.ts']

test('nothing that the peer’s calls reach removes an object, and a record store cannot remove at all', () => {
  const files = [...reachableFrom('shared/http/peer-routes.ts')]
  expect(files).toContain('shared/core/apply.ts')
  expect(files.length).toBeGreaterThan(20)
  const erasing = files.filter((path) => /objects\s*\.\s*(remove|abort|put|complete|copy)/i.test(textOf(path)))
  expect(erasing.sort()).toEqual(known)
  const verbs = [...textOf('shared/ports/record-store.ts').matchAll(/^ {2}(\w+)\(/gm)].map(([, name]) => name)
  expect(new Set(verbs)).toEqual(new Set(['arrivals', 'get', 'getMany', 'put', 'putMany', 'query', 'scanBuckets']))
})

test.each(['objects/acme/a/0123', 'drop/acme/a.txt', 'uploads/acme/b/0123', 'uploads/other/a/0123'])(
  'a record of the peer cannot have %s removed here',
  async (key) => {
    const sites = twoSites()
    const { objects } = sites.aws.services
    await objects.put(key, Buffer.from('precious'), { mediaType: 'text/plain' })
    const source = { site: 'aws', key, etag: 'e', bytes: 8, drop: false }
    const job: JsonObject = { kind: 'process', asset: 'a', version: 'v', source, state: 'done', site: 'azure' }
    const expiresAtMs = sites.clock.now() + 60_000
    const upload: JsonObject = { kind: 'single', site: 'aws', objectKey: key, state: 'open', expiresAtMs }
    const rest = { leaseUntilMs: 0, attempts: 1, progress: 1 }
    const none = { precondition: { kind: 'none' } } as const
    await writeRecord(sites.azure.services, jobKey('acme', 'j'), none, () => ({ ...job, ...rest }))
    await writeRecord(sites.azure.services, uploadKey('acme', 'a', 'aws'), none, () => upload)
    await sites.flush()
    await handleChanges(sites.aws.services, sites.aws.records.all())
    await sites.clock.advance(3_600_000)
    await sweep(sites.aws.services)
    expect(await objects.head(key)).toMatchObject({ bytes: 8 })
    // It was looked after all the same.
    expect(sites.aws.records.all().map(({ body }) => body?.['state'])).toContain('gone')
  },
)
