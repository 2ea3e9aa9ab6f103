import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { closeServer, listen } from '../../local/aws/process.ts'
import { printKey } from '../../local/development-key.ts'
import { developmentTenant } from '../../local/seed.ts'
import type { Clouds } from '../../local/supervisor/clouds.ts'

const key = 'cat_known'
let folder: string
let servers: Server[]
let lines: string[]

/** Two APIs of which the second may know no key. */
async function clouds(azureKnows: () => boolean): Promise<Clouds> {
  const urlOf = async (knows: () => boolean): Promise<string> => {
    const server = createServer((_request, response) => void response.writeHead(knows() ? 200 : 401).end('{}'))
    servers.push(server)
    return `http://127.0.0.1:${await listen(server, 0, 'a site')}`
  }
  const urls = { aws: { api: await urlOf(() => true) }, azure: { api: await urlOf(azureKnows) } }
  return { dataFolder: folder, urls } as unknown as Clouds
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'key-'))
  await mkdir(join(folder, 'aws'))
  await writeFile(join(folder, 'aws', 'development-keys.json'), JSON.stringify({ [developmentTenant]: key }))
  servers = []
  lines = []
})
afterEach(async () => {
  await Promise.all(servers.map((server) => closeServer(server)))
  await rm(folder, { recursive: true })
})

const options = { print: (line: string) => void lines.push(line), acceptedMsMax: 400 }

test('a key that both sites accept is printed, however long the second takes', async () => {
  let asked = 0
  await printKey(await clouds(() => ++asked > 2), { ...options, once: true, acceptedMsMax: 10_000 })
  expect(lines[0]).toContain(key)
})

test('one that a wiped site does not accept is a warning with its cure, and the clouds stay up', async () => {
  await printKey(await clouds(() => false), { ...options, once: false })
  expect(lines.join('\n')).toMatch(/accepted at azure[^]*The clouds stay up[^]*operate -- backfill/)
  expect(lines.join('\n')).not.toContain(key)
})

test('for one errand it is an error, unless somebody stopped it', async () => {
  const wiped = await clouds(() => false)
  await expect(printKey(wiped, { ...options, once: true })).rejects.toThrow(/accepted at azure/)
  expect(await printKey(wiped, { ...options, once: true, signal: AbortSignal.abort(new Error('stop')) })).toBe(true)
  expect(lines).toEqual([])
})
