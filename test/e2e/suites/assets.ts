import { beforeAll, describe, expect, test } from '@jest/globals'
import { readFile } from 'node:fs/promises'
import { makeSamples, type Sample } from '../../../local/samples/make.ts'
import { type Asset, continueUpload, uploadFile } from '../../../local/tour/upload.ts'
import { download } from '../../../local/tour/verify.ts'
import { sampleFolder } from '../../../local/tour.ts'
import type { UploadPlan } from '../../../shared/core/uploads.ts'
import { type Problem, randomFile, sendDirect, sha256Of, untilReadyAtBoth, untilStatus } from '../assets-tools.ts'
import { type Pair, peerSite, sites, unique } from '../pair.ts'
import { unfinishedBytes } from '../unfinished.ts'

export function assetsSuite(pair: () => Pair): void {
  let samples: Sample[] = []
  beforeAll(async () => {
    samples = await makeSamples(sampleFolder)
  }, 180_000)
  const sample = (kind: Sample['kind']): Sample => samples.find((each) => each.kind === kind) ?? fail(kind)

  describe.each(sites)('assets at %s', (site) => {
    const here = () => pair().apis[site]
    const there = () => pair().apis[peerSite(site)]

    test('a file in one piece straight to the store is ready at both sites, equal to the last byte', async () => {
      const file = await randomFile(pair(), 300_000)
      const id = unique('single')
      await uploadFile(
        here(),
        { ...withoutPath(file), id, name: 'noise.bin', mediaType: 'application/octet-stream', upload: 'single' },
        file.path,
      )
      const view = await untilReadyAtBoth(pair(), id)
      expect([view.sha256, view.bytes]).toEqual([file.sha256, file.bytes])
      for (const api of [here(), there()]) {
        const found = await download(api, `/v1/assets/${id}/content`, pair().clouds.urls[api.site].edge)
        expect([found.sha256, found.bytes]).toEqual([file.sha256, file.bytes])
      }
    })

    test('a file in parts goes on after a break, and only at the site that began it', async () => {
      const file = await randomFile(pair(), 17_000_000)
      const id = unique('parts')
      const asset = {
        ...file,
        id,
        name: 'parts.bin',
        mediaType: 'application/octet-stream',
        upload: 'multipart',
      } as const
      const created = await here().call<{ upload: UploadPlan }>('POST', '/v1/assets', {
        json: withoutPath(asset),
        status: 201,
      })
      const plan = created.body.upload
      if (plan.kind !== 'multipart') throw new Error(`a plan of the kind ${plan.kind}`)
      expect([plan.parts, plan.arrived, plan.site]).toEqual([3, [], site])
      const content = await readFile(file.path)
      const second = plan.requests.find((each) => each.part === 2)?.request
      const part = content.subarray(plan.partBytes, 2 * plan.partBytes)
      expect((await fetch(second?.url ?? '', { method: 'PUT', headers: second?.headers ?? {}, body: part })).ok).toBe(
        true,
      )
      const early = await here().call<Problem>('POST', `/v1/assets/${id}/complete`, { status: 409 })
      expect(early.body.detail).toContain('1, 3')
      const arrived = await here().get<UploadPlan>(`/v1/assets/${id}/upload`)
      expect(arrived.kind === 'multipart' && arrived.arrived.map((each) => each.part)).toEqual([2])
      await continueUpload(here(), id, file.path)
      await here().call('POST', `/v1/assets/${id}/complete`, { status: [200, 202] })
      const view = await untilReadyAtBoth(pair(), id)
      expect(view.sha256).toBe(file.sha256)
    })

    test('an upload that is given up frees what arrived of it', async () => {
      const { path, ...file } = await randomFile(pair(), 9_000_000)
      const asset = { ...file, id: unique('left'), name: 'left.bin', mediaType: 'application/octet-stream' }
      const json = { ...asset, upload: 'multipart' }
      const { body } = await here().call<{ upload: UploadPlan }>('POST', '/v1/assets', { json, status: 201 })
      const [first] = body.upload.kind === 'multipart' ? body.upload.requests : []
      const part = (await readFile(path)).subarray(0, 8 * 2 ** 20)
      const { url = '', headers = {} } = first?.request ?? {}
      expect((await fetch(url, { method: 'PUT', headers, body: part })).ok).toBe(true)
      const left = () => unfinishedBytes(pair().clouds, site, `uploads/${pair().tenant}/${asset.id}/`)
      expect(await left()).toBe(part.length)
      await here().call('DELETE', `/v1/assets/${asset.id}/upload`, { status: 204 })
      expect(await left()).toBe(0)
    })

    test('an upload begun here is refused there, naming this site', async () => {
      const id = unique('elsewhere')
      const json = { id, name: 'x.bin', mediaType: 'application/octet-stream', upload: 'single' }
      await here().call('POST', '/v1/assets', { json, status: 201 })
      await untilStatus(there(), id, ['awaiting-upload'])
      const answer = await there().call<Problem>('POST', `/v1/assets/${id}/complete`, { status: 409 })
      expect(answer.body.detail).toContain(site)
      await here().call('DELETE', `/v1/assets/${id}/upload`, { status: 204 })
    })

    test('a photograph becomes renditions, the same ones at both sites', async () => {
      const photo = sample('photo')
      const content = await readFile(photo.file)
      const asset = await sendDirect(here(), unique('photo.jpg'), new Uint8Array(content), 'image/jpeg')
      const view = await untilReadyAtBoth(pair(), asset.id, 90_000)
      expect(view.renditions.map((each) => each.mediaType)).toEqual(
        expect.arrayContaining(['image/avif', 'image/webp', 'image/jpeg']),
      )
      for (const api of [here(), there()]) {
        for (const { name, sha256 } of view.renditions) {
          const found = await download(
            api,
            `/v1/assets/${asset.id}/renditions/${name}`,
            pair().clouds.urls[api.site].edge,
          )
          expect([name, found.sha256]).toEqual([name, sha256])
        }
      }
    })

    test('bytes other than those declared are refused, and say why', async () => {
      const file = await randomFile(pair(), 50_000)
      const id = unique('mismatch')
      const asset = {
        id,
        name: 'x.bin',
        mediaType: 'application/octet-stream',
        bytes: file.bytes,
        upload: 'single',
      } as const
      await uploadFile(here(), { ...asset, sha256: sha256Of('something else') }, file.path)
      const view = await untilStatus(here(), id, ['failed'])
      expect(view.error?.code).toBe('sha256-mismatch')
      expect(view.error?.detail).toContain(file.sha256)
    })

    test('patch, delete and restore under conditions; lists find it', async () => {
      const name = unique('listed')
      const asset = await sendDirect(here(), name, 'some words', 'text/plain')
      const ready = await untilStatus(here(), asset.id, ['ready'])
      const path = `/v1/assets/${asset.id}`
      const patch = {
        content: JSON.stringify({ labels: { a: 'b' } }),
        headers: { 'content-type': 'application/merge-patch+json' },
      }
      await here().call('PATCH', path, { ...patch, status: 428 })
      const headers = { ...patch.headers, 'if-match': ready.etag }
      const patched = await here().call<Asset>('PATCH', path, { ...patch, headers, status: 200 })
      expect(patched.body.labels).toEqual({ a: 'b' })
      await here().call('PATCH', path, { ...patch, headers, status: 412 })
      const listed = async (query: string): Promise<string[]> =>
        (await here().get<{ items: Asset[] }>(`/v1/assets?namePrefix=${name}${query}`)).items.map((each) => each.id)
      expect(await listed('&status=ready')).toEqual([asset.id])
      expect(await listed('&status=failed')).toEqual([])
      await here().call('DELETE', path, { headers: { 'if-match': patched.body.etag }, status: 204 })
      await here().call('GET', path, { status: 404 })
      expect([await listed(''), await listed('&deleted=true')]).toEqual([[], [asset.id]])
      await here().call('POST', `${path}/restore`, { status: 200 })
      expect(await listed('')).toEqual([asset.id])
    })

    test('a foreign tenant finds no asset, by whatever way', async () => {
      const asset = await sendDirect(here(), unique('private'), 'private words', 'text/plain')
      const ready = await untilStatus(here(), asset.id, ['ready'])
      const path = `/v1/assets/${asset.id}`
      const foreign = pair().foreign[site]
      const merge = { 'content-type': 'application/merge-patch+json', 'if-match': ready.etag }
      await foreign.call('GET', path, { status: 404 })
      await foreign.call('GET', `${path}/content`, { status: 404 })
      await foreign.call('GET', `${path}/content?via=api`, { status: 404 })
      await foreign.call('GET', `${path}/upload`, { status: 404 })
      await foreign.call('POST', `${path}/complete`, { status: 404 })
      await foreign.call('PATCH', path, { content: '{"name":"mine"}', headers: merge, status: 404 })
      await foreign.call('DELETE', path, { headers: { 'if-match': '*' }, status: 404 })
      expect((await foreign.get<{ items: unknown[] }>('/v1/assets')).items).toEqual([])
      expect((await here().get<Asset>(path)).name).toBe(asset.name)
    })
  })
}

const withoutPath = <Value extends { path: string }>({ path: _path, ...rest }: Value): Omit<Value, 'path'> => rest

function fail(kind: string): never {
  throw new Error(`there is no sample of the kind ${kind}`)
}
