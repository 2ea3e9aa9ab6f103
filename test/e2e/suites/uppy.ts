import { describe, expect, test } from '@jest/globals'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Api } from '../../../local/tour/api.ts'
import { randomFile, untilReadyAtBoth } from '../assets-tools.ts'
import { type Pair, sites, unique } from '../pair.ts'
import { goodUntil } from '../unfinished.ts'

interface UppyFile {
  readonly id: string
  readonly s3Multipart: { readonly key: string; readonly uploadId: string }
  readonly response?: { readonly body?: { readonly key: string } }
}
interface Ended {
  readonly failed: readonly UppyFile[]
  readonly successful: readonly UppyFile[]
}
/** As much of Uppy as is used here: its own types bring those of a browser with them, for every file of the project. */
interface Uppy {
  use(plugin: unknown, options: Hooks): Uppy
  addFile(file: { readonly name: string; readonly type: string; readonly data: Blob }): string
  upload(): Promise<Ended | undefined>
  setFileState(id: string, state: Pick<UppyFile, 's3Multipart'>): void
}
interface Hooks {
  readonly createMultipartUpload: (file: unknown) => Promise<UppyFile['s3Multipart']>
  readonly signPart: SignPart
  readonly uploadPartBytes: SendBytes
  readonly [hook: string]: unknown
}
type Call = (method: string, path: string, json?: unknown) => Promise<unknown>
type SignPart = (file: unknown, options: { partNumber: number }) => Promise<{ url: string }>
type SendBytes = (options: { signature: { url: string } }) => Promise<unknown>

/** The very text that the documentation shows, as a module. */
async function documentedHooks({ folder }: Pair, api: Api): Promise<Hooks> {
  const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')
  const text = /```js\n(.+?)```/s.exec(await readFile(join(root, 'docs/uploads.md'), 'utf8'))?.[1]
  const path = join(folder, `${unique('uppy')}.mjs`)
  await writeFile(path, text ?? '')
  const { catamaranUploads } = (await import(pathToFileURL(path).href)) as {
    catamaranUploads: (api: Call) => Hooks
  }
  return catamaranUploads(async (method, target, json) => {
    const { status, body } = await api.call(method, target, json === undefined ? {} : { json })
    if (status >= 300) throw new Error(`${method} ${target}: ${status} ${JSON.stringify(body)}`)
    return body
  })
}

const nothing = (): void => undefined
/** What fails here is meant to. */
const quiet = { debug: nothing, warn: nothing, error: nothing }

async function uppyWith(hooks: Hooks): Promise<Uppy> {
  const load = async <Value>(name: string): Promise<Value> => ((await import(name)) as { default: Value }).default
  const core = await load<new (options: { readonly logger: object }) => Uppy>('@uppy/core')
  return new core({ logger: quiet }).use(await load('@uppy/aws-s3'), { ...hooks, retryDelays: [0, 100, 200] })
}

export function uppySuite(pair: () => Pair): void {
  describe.each(sites)('Uppy at %s', (site) => {
    test('sends a file in parts, signs again what has expired, and goes on after it was killed', async () => {
      const { path, bytes, sha256 } = await randomFile(pair(), 17_000_000)
      const data = new Blob([await readFile(path)])
      const file = { name: 'noise.bin', type: 'application/octet-stream', data }
      const hooks = await documentedHooks(pair(), pair().apis[site])
      const { createMultipartUpload, signPart, uploadPartBytes } = hooks
      let begun = { key: '', uploadId: '' }
      const signed: number[] = []
      const sent: number[] = []
      const refused: number[] = []
      const partOf = (url: string): number => {
        const query = new URL(url).searchParams
        const block = Buffer.from(query.get('blockid') ?? '', 'base64').toString()
        return Number(query.get('partNumber') ?? block.slice(-6))
      }
      const watched: Hooks = {
        ...hooks,
        createMultipartUpload: async (of: unknown) => {
          begun = await createMultipartUpload(of)
          return begun
        },
        signPart: async (of: unknown, options: { partNumber: number }) => {
          signed.push(options.partNumber)
          const request = await signPart(of, options)
          const { clouds } = pair()
          const isFirst = signed.filter((part) => part === options.partNumber).length === 1
          // The first of them is over, and the second is signed in the same way and is not.
          const untilMs = Date.now() + ({ 1: -1_000, 2: 60_000 }[options.partNumber] ?? 0)
          return isFirst && options.partNumber < 3
            ? { ...request, url: await goodUntil(clouds, site, request.url, new Date(untilMs)) }
            : request
        },
        uploadPartBytes: async (options: { signature: { url: string } }) => {
          const part = partOf(options.signature.url)
          // The third part never leaves the first client, which dies once the others have.
          if (part === 3 && !sent.includes(3)) {
            while (!sent.includes(1) || !sent.includes(2)) await new Promise((resolve) => setTimeout(resolve, 20))
            sent.push(3)
            throw new Error('killed')
          }
          const answer = await uploadPartBytes(options).catch((error: unknown) => {
            refused.push(part)
            throw error
          })
          sent.push(part)
          return answer
        },
        // A client that is killed gives nothing up.
        abortMultipartUpload: async () => undefined,
      }
      const first = await uppyWith(watched)
      const begunId = first.addFile(file)
      const failed = await first.upload().catch(() => undefined)
      expect(failed?.failed.map((each) => each.id) ?? [begunId]).toEqual([begunId])
      const { key } = begun
      expect(signed.filter((part) => part === 1).length).toBeGreaterThan(1)
      // A server that refuses may close while the part is still on its way; what is cut off so is sent once more.
      expect([...new Set(refused)]).toEqual([1])
      await untilArrived(pair().apis[site], key, 2)

      const second = await uppyWith(watched)
      const id = second.addFile(file)
      second.setFileState(id, { s3Multipart: begun })
      signed.length = 0
      const result = await second.upload()
      expect([result?.failed, result?.successful.length]).toEqual([[], 1])
      expect(signed).toEqual([3])
      const view = await untilReadyAtBoth(pair(), key)
      expect([view.sha256, view.bytes, view.name]).toEqual([sha256, bytes, 'noise.bin'])
    })

    test('sends a small file in one piece', async () => {
      const { path, sha256 } = await randomFile(pair(), 70_000)
      const api = pair().apis[site]
      const uppy = await uppyWith(await documentedHooks(pair(), api))
      uppy.addFile({ name: 'small.bin', type: 'application/octet-stream', data: new Blob([await readFile(path)]) })
      const result = await uppy.upload()
      const key = result?.successful[0]?.response?.body?.key ?? ''
      await api.call('POST', `/v1/assets/${key}/complete`, { status: [200, 202] })
      expect((await untilReadyAtBoth(pair(), key)).sha256).toBe(sha256)
    })
  })
}

/** Parts that were on their way when the client died may still come in. */
async function untilArrived(api: Api, id: string, count: number): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const { arrived } = await api.get<{ arrived: unknown[] }>(`/v1/assets/${id}/upload`)
    if (arrived.length === count) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${count} parts did not arrive`)
}
