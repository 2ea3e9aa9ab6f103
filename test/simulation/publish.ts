import type { Services } from '../../shared/core/services.ts'
import type { MediaBody } from '../../shared/domain/asset.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { hashing } from '../../shared/domain/hashing.ts'
import { tenant, type Client } from './client.ts'
import type { Code } from './code.ts'
import { request } from './request.ts'
import type { World } from './world.ts'

const { crc64Of } = await hashing

const againMs = { first: 5_000, max: 120_000 }

/**
 * Bytes and the record that names them, as a finished conversion leaves them. Like a job it begins again, whatever went wrong,
 * until it is done; meanwhile its client goes on.
 */
export async function publish(world: World, { name, home }: Client, text: string): Promise<void> {
  const bytes = Buffer.from(`object ${text} `.repeat(text.length % 2 === 0 ? 20 : 2))
  const sha256 = sha256Hex(bytes)
  const metadata = { sha256, crc64nvme: crc64Of(bytes) }
  const objectKey = `objects/${tenant}/${text}/${sha256}`
  const facts = { version: text, job: text, site: home, properties: {}, renditions: [] }
  const media: MediaBody = { ...facts, status: 'ready', objectKey, sha256, bytes: bytes.byteLength }
  const publishAt = async (services: Services, { writeMedia }: Code): Promise<void> => {
    await services.objects.put(objectKey, bytes, { mediaType: 'text/plain', metadata, ifAbsent: true })
    await writeMedia(services, tenant, text, () => media)
  }
  const isDone = async (): Promise<boolean> => {
    const outcome = await request(world, home, publishAt)
    if (outcome.kind === 'answered') world.ledger.objects.set(objectKey, sha256)
    return outcome.kind === 'answered'
  }
  const goOn = async (): Promise<void> => {
    world.mark('publishing begun again')
    for (let ms = againMs.first; ; ms = Math.min(2 * ms, againMs.max)) {
      await world.scheduler.delay(ms, `${name} publishes again`)
      if (await isDone()) return
    }
  }
  if (!(await isDone())) void goOn()
}
