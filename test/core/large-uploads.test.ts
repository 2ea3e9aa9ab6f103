import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { completeUpload, createAsset, getAsset } from '../../shared/core/assets.ts'
import { runJob } from '../../shared/core/jobs.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import type { JobBody } from '../../shared/domain/asset.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { hashing } from '../../shared/domain/hashing.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import type { ObjectBody } from '../../shared/ports/object-store.ts'
import { dying, type CrashPoint } from './crash.ts'
import { faultsOf, ingestWorld, tenant } from './ingest-world.ts'

/** What one read of a stream gives. */
const pieceBytes = 65_536
const stepBytes = 4 * pieceBytes
const never = new AbortController().signal

const fileOf = (steps: number): Buffer =>
  Buffer.from(Uint32Array.from({ length: (steps * stepBytes) / 4 }, (_, n) => n * 2_654_435_761).buffer)

/** A site whose disk holds next to nothing, with an uploaded file, and an eye on what is read of it. */
async function largeUpload(bytes: Buffer, seed = 1) {
  const world = await ingestWorld({ seed })
  const { services, work, objects, records, queue } = world.aws
  Object.assign(work, { workFileBytesMax: 10, readStepBytes: stepBytes })
  const read = { bytes: 0, before: async (_bytes: number): Promise<void> => undefined }
  const get = objects.get.bind(objects)
  objects.get = async (...args) => {
    const body = await get(...args)
    return body && { ...body, stream: counted(body, read) }
  }
  const input = { name: 'film.bin', mediaType: 'application/octet-stream', upload: 'single' } as const
  const { asset, upload } = await createAsset(services, tenant, input)
  if (upload.kind !== 'single') throw new Error(upload.kind)
  const put = async (content: Buffer): Promise<void> => {
    await objects.fetch(upload.request.url, { method: 'PUT', body: content })
  }
  await put(bytes)
  await completeUpload(services, tenant, asset.id)
  const job = (): StoredRecord => {
    const found = records.all().find(({ key }) => key.collection === '_jobs')
    if (!found) throw new Error('no job')
    return found
  }
  return {
    world,
    read,
    put,
    view: () => getAsset(services, tenant, asset.id),
    job: () => job().body as JobBody,
    changeJob: async (change: (body: JobBody) => JobBody): Promise<void> => {
      await writeRecord(services, job().key, { precondition: { kind: 'none' } }, (body) => change(body as JobBody))
    },
    /** One run, as the queue gives it. */
    run: async (at: Services = services, signal = never): Promise<void> => {
      const delivery = queue.receive()
      delivery?.acknowledge()
      if (delivery) await runJob(at, work, delivery.message, signal)
    },
  }
}

/** Gives nothing that was not asked for, so that the count is of what was read. */
function counted(
  { stream }: ObjectBody,
  read: { bytes: number; before: (bytes: number) => Promise<void> },
): ReadableStream<Uint8Array> {
  const reader = stream.getReader()
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { value } = await reader.read()
        if (!value) return controller.close()
        read.bytes += value.byteLength
        await read.before(read.bytes)
        controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

describe('a file larger than the disk', () => {
  const file = fileOf(20)
  let upload: Awaited<ReturnType<typeof largeUpload>>
  beforeEach(async () => {
    upload = await largeUpload(file)
  })
  afterEach(() => upload.world.close())

  /** A run whose time is over when it has read so much. */
  const runFor = async (bytes: number): Promise<void> => {
    const over = new AbortController()
    const end = upload.read.bytes + bytes
    upload.read.before = async (now) => {
      if (now >= end) over.abort(new Error('the time is over'))
    }
    await upload.run(undefined, over.signal)
    upload.read.before = async () => undefined
  }
  const objectsMade = (): string[] =>
    upload.world.aws.objects.all().flatMap(({ info }) => (info.key.startsWith('objects/') ? [info.key] : []))

  test('takes as many runs as it needs, none of which counts as failed, and is read once', async () => {
    const progress: number[] = []
    for (let runs = 0; runs < 12; runs++) {
      await runFor(1.5 * stepBytes)
      progress.push(upload.job().progress)
      expect(upload.job()).toMatchObject({ state: 'waiting', attempts: 0 })
    }
    expect(progress).toEqual([...new Set(progress)].sort((a, b) => a - b))
    await upload.world.settle()
    expect(await upload.view()).toMatchObject({ status: 'ready', bytes: file.length, sha256: sha256Hex(file) })
    const [original] = upload.world.aws.objects.all()
    expect(original?.info.metadata['crc64nvme']).toBe((await hashing).crc64Of(file))
    // What a run had in its hand when its time was over is read again.
    expect(upload.read.bytes).toBeLessThanOrEqual(file.length + 12 * pieceBytes)
    expect(faultsOf(upload.world)).toEqual([])
  })

  test('is copied over several runs too, each of its parts once', async () => {
    const { objects } = upload.world.aws
    const copy = objects.copy.bind(objects)
    let copied = 0
    let begun = 0
    let over = new AbortController()
    objects.copy = (from, to, { resume, ...options }) =>
      copy(from, to, {
        ...options,
        resume: {
          upload: resume?.upload,
          begun: async (name) => {
            begun++
            await resume?.begun(name)
          },
          copied: (share) => {
            if (++copied % 3 === 0) over.abort(new Error('the time is over'))
            resume?.copied(share)
          },
        },
      })
    for (const share of [0.15, 0.3, 0.45, 0.6, 0.75, 0.9]) {
      over = new AbortController()
      await upload.run(undefined, over.signal)
      const checkpoint = { reading: { copying: { share } } }
      expect(upload.job()).toMatchObject({ state: 'waiting', attempts: 0, checkpoint })
    }
    await upload.world.settle()
    expect([begun, copied, upload.read.bytes]).toEqual([1, file.length / 2 ** 18, file.length])
    expect(await upload.view()).toMatchObject({ status: 'ready', sha256: sha256Hex(file) })
    expect(objects.openUploads()).toEqual([])
    expect(faultsOf(upload.world)).toEqual([])
  })

  test('of which a connection breaks again and again is read on where it broke', async () => {
    upload.read.before = async (bytes) => {
      if (bytes % (3 * pieceBytes) === 0) throw new TypeError('terminated')
    }
    await upload.run()
    expect(upload.job()).toMatchObject({ state: 'done', attempts: 0 })
    expect(upload.read.bytes).toBeLessThan(2 * file.length)
    expect((await upload.view())?.sha256).toBe(sha256Hex(file))
  })

  test('of which the store gives nothing any longer fails in the end, after what it had gives no more', async () => {
    await runFor(2 * stepBytes)
    upload.read.before = async () => Promise.reject(new TypeError('terminated'))
    await upload.world.pass(30)
    expect(await upload.view()).toMatchObject({ status: 'failed', error: { code: 'attempts-exhausted' } })
  })

  test('is refused when it becomes another between two runs', async () => {
    await runFor(5 * stepBytes)
    await upload.put(Buffer.from(file).fill(7, 0, 100))
    await upload.world.settle()
    const detail = 'The uploaded bytes were changed after the upload was completed.'
    expect(await upload.view()).toMatchObject({ status: 'failed', error: { code: 'source-changed', detail } })
    expect(objectsMade()).toEqual([])
  })

  test('is refused when it becomes another while it is read', async () => {
    upload.read.before = async (bytes) => {
      if (bytes === 5 * stepBytes) await upload.put(Buffer.from(file).fill(7, file.length - 100))
    }
    await upload.run()
    expect(upload.job()).toMatchObject({ state: 'waiting', attempts: 0 })
    await upload.world.pass(2)
    expect(await upload.view()).toMatchObject({ status: 'failed', error: { code: 'source-changed' } })
    expect(objectsMade()).toEqual([])
  })

  test('that is another for a while is not taken for a mixture of the two', async () => {
    upload.read.before = async (bytes) => {
      if (bytes === 5 * stepBytes) await upload.put(Buffer.from(file).fill(7))
      if (bytes === 8 * stepBytes) await upload.put(file)
    }
    await upload.run()
    expect(upload.read.bytes).toBe(5 * stepBytes)
    await upload.put(file)
    await upload.world.pass(2)
    expect(await upload.view()).toMatchObject({ status: 'ready', sha256: sha256Hex(file) })
    expect(faultsOf(upload.world)).toEqual([])
  })

  const others = hashing.then(({ sha256, crc64 }) => {
    const states = { sha256: sha256(), crc64nvme: crc64() }
    const bytes = Buffer.alloc(5 * stepBytes)
    for (const state of Object.values(states)) state.update(bytes)
    return { sha256: states.sha256.save(), crc64nvme: states.crc64nvme.save() }
  })
  const tampered: [string, (reading: Record<string, unknown>) => unknown][] = [
    ['digests of other bytes', async (reading) => ({ ...reading, ...(await others) })],
    ['another place', (reading) => ({ ...reading, read: 4 * stepBytes })],
    ['a place that is none', (reading) => ({ ...reading, read: 'x' })],
    ['another state of the object', (reading) => ({ ...reading, etag: '"0"' })],
    ['another site', (reading) => ({ ...reading, site: 'azure' })],
    [
      'a copy that never was',
      (reading) => ({ ...reading, etag: '"0"', copy: { key: reading['key'], etag: reading['etag'] } }),
    ],
    ['states that are none', (reading) => ({ ...reading, sha256: 'AAAA', crc64nvme: '!' })],
    ['nothing of a reading', () => 'reading'],
  ]
  test.each(tampered)('with a checkpoint of %s is read from its beginning', async (_, tamper) => {
    await runFor(5 * stepBytes)
    const reading = upload.job().checkpoint?.['reading'] as Record<string, unknown>
    const wrong = (await tamper(reading)) as never
    await upload.changeJob((job) => ({ ...job, checkpoint: { ...job.checkpoint, reading: wrong } }))
    const before = upload.read.bytes
    await upload.world.settle()
    expect(await upload.view()).toMatchObject({ status: 'ready', sha256: sha256Hex(file) })
    expect(upload.read.bytes - before).toBe(file.length)
    expect(faultsOf(upload.world)).toEqual([])
  })
})

test.each(['before', 'after'] as const)('a run that dies %s any call loses one step at most', async (when) => {
  const file = fileOf(3)
  const runsUntil = async (call: CrashPoint['call']): Promise<boolean> => {
    const { world, read, run, view } = await largeUpload(file, call)
    try {
      const { services, hasDied } = dying(world.aws.services, { call, when })
      await run(services).catch(() => undefined)
      await world.settle()
      await world.pass(8)
      const died = `died ${when} call ${call}`
      expect([died, faultsOf(world)]).toEqual([died, []])
      expect([died, (await view())?.sha256]).toEqual([died, sha256Hex(file)])
      expect([died, Math.max(read.bytes, file.length + stepBytes + pieceBytes)]).toEqual([
        died,
        file.length + stepBytes + pieceBytes,
      ])
      return hasDied()
    } finally {
      await world.close()
    }
  }
  let call = 1
  while (await runsUntil(call)) call++
  expect(call).toBeGreaterThan(25)
})
