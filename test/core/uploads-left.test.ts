import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createAsset, deleteAsset } from '../../shared/core/assets.ts'
import type { Services } from '../../shared/core/services.ts'
import { sweep } from '../../shared/core/sweep.ts'
import { abandonUpload, closeAbandoned, findUpload, uploadPlan } from '../../shared/core/uploads.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { ingestWorld, tenant, type IngestWorld } from './ingest-world.ts'

const photo = { id: 'boat', name: 'boat.jpg', mediaType: 'image/jpeg', upload: 'single' } as const
const hourMs = 3_600_000

let world: IngestWorld
let services: Services
beforeEach(async () => {
  world = await ingestWorld()
  services = world.aws.services
})
afterEach(() => world.close())

const begun = async (): Promise<string> => {
  const { upload } = await createAsset(services, tenant, photo)
  await world.settle()
  if (upload.kind !== 'single') throw new Error(upload.kind)
  return upload.request.url
}

const send = (url: string): Promise<Response> =>
  world.aws.objects.fetch(url, { method: 'PUT', body: Buffer.from('boat') })

const staged = (): string[] =>
  world.aws.objects.all().flatMap(({ info: { key } }) => (key.startsWith('uploads/') ? [key] : []))

test('bytes that could not be removed when nobody finished the upload go with a later sweep', async () => {
  await send(await begun())
  await world.clock.advance(7 * 24 * hourMs)
  const remove = async (): Promise<boolean> => {
    throw new CatamaranError('throttled', 'too many requests')
  }
  await sweep({ ...services, objects: { ...services.objects, remove } })
  expect(staged()).toHaveLength(1)
  await world.pass(1)
  expect(staged()).toEqual([])
})

test('bytes that come after an upload was abandoned, while what was signed for it is good, do not stay', async () => {
  const url = await begun()
  await abandonUpload(services, tenant, photo.id)
  await world.settle()
  expect((await send(url)).status).toBe(200)
  await world.clock.advance(hourMs + 15 * 60_000)
  await world.pass(1)
  expect(staged()).toEqual([])
})

test('whoever closes an upload late leaves the next one of the asset alone', async () => {
  await begun()
  const { upload } = await findUpload(services, tenant, photo.id)
  await abandonUpload(services, tenant, photo.id)
  await deleteAsset(services, tenant, photo.id, { precondition: { kind: 'none' } })
  await send(await begun())
  await closeAbandoned(services, tenant, photo.id, upload)
  expect((await uploadPlan(services, tenant, photo.id)).kind).toBe('single')
  expect(staged()).toHaveLength(1)
})
