import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemRandom } from '../../shared/adapters/clock.ts'
import { runExport } from '../../shared/core/export-run.ts'
import { readExport, requestExport } from '../../shared/core/exports.ts'
import { readMedia } from '../../shared/core/media-store.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { writeMark } from '../../shared/core/replication-marks.ts'
import type { Services } from '../../shared/core/services.ts'
import type { WorkTools } from '../../shared/core/work-tools.ts'
import { exportId } from '../../shared/domain/export.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { Peer } from '../../shared/ports/peer.ts'
import { memoryClock } from '../memory/clock.ts'
import { memoryDelivery } from '../memory/delivery.ts'
import { memoryJobQueue } from '../memory/job-queue.ts'
import { memoryTelemetry } from '../memory/telemetry.ts'

const recordCount = 130
const none = { precondition: { kind: 'none' } } as const

/** A day's export over a cloud's own stores: more than a page of records, some with a past. */
export function exportSuite(
  name: string,
  site: Site,
  stores: () => Pick<Services, 'records' | 'siteStore' | 'objects'>,
): void {
  describe(`${name}: an export`, () => {
    test('holds every state of the day in order, and is the same when it is made again', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'export-suite-'))
      // Yesterday, by this clock, until it is put right.
      const nowMs = Date.now()
      const yesterdayMs = Math.floor(nowMs / 86_400_000) * 86_400_000 - 43_200_000
      const present = { ms: yesterdayMs }
      const { records, siteStore, objects } = stores()
      const services: Services = {
        site,
        records,
        siteStore,
        objects,
        jobs: memoryJobQueue({ clock: memoryClock() }),
        peer: {} as Peer,
        delivery: memoryDelivery({ clock: memoryClock() }),
        clock: { ...systemClock, now: () => present.ms },
        random: systemRandom,
        telemetry: memoryTelemetry(),
      }
      const work = {
        workFolder: async () => {
          const path = await mkdtemp(join(folder, 'work-'))
          return { path, remove: () => rm(path, { recursive: true, force: true }) }
        },
      } as WorkTools
      const tenant = `t${randomUUID().slice(0, 8)}`
      const ref = { kind: 'records', date: new Date(yesterdayMs).toISOString().slice(0, 10) } as const
      const write = (n: number, body: JsonObject | null) =>
        writeRecord(services, { tenant, collection: 'notes', id: `n${n}` }, none, () => body)
      const make = async () => {
        await requestExport(services, tenant, ref)
        await runExport(services, work, { tenant, id: exportId(ref), takeover: false }, new AbortController().signal)
        return readExport(services, tenant, ref)
      }
      try {
        for (let n = 0; n < recordCount; n += 26) {
          await Promise.all(Array.from({ length: 26 }, (_, index) => write(n + index, { n: n + index })))
        }
        present.ms += 3_600_000
        await Promise.all([write(1, { n: 'second' }), write(2, null)])
        present.ms = Math.max(nowMs, yesterdayMs + 86_400_000)
        await writeMark(services, 'replicated-until', { ms: present.ms, atMs: present.ms })
        await write(3, { n: 'a day later' })
        const made = await make()
        expect(made).toMatchObject({ state: 'done', rows: recordCount + 2, complete: true })
        const { objectKey = '' } = (await readMedia(services, tenant, made?.asset ?? '')) ?? {}
        const body = await objects.get(objectKey)
        const path = join(folder, 'export.parquet')
        await writeFile(path, Buffer.from(await new Response(body?.stream).arrayBuffer()))
        const instance = await DuckDBInstance.create(':memory:')
        const connection = await instance.connect()
        const sql = `SELECT deleted, body FROM '${path}' WHERE id IN ('n1', 'n2', 'n3') ORDER BY id, stamp`
        const rows = (await connection.runAndReadAll(sql)).getRowsJson()
        connection.closeSync()
        instance.closeSync()
        expect(rows).toEqual([
          [false, '{"n":1}'],
          [false, '{"n":"second"}'],
          [false, '{"n":2}'],
          [true, null],
          [false, '{"n":3}'],
        ])
        await write(5, { n: 'later still' })
        await writeRecord(services, { tenant, collection: '_exports', id: exportId(ref) }, none, (was) => ({
          ...was,
          state: 'failed',
        }))
        expect((await make())?.sha256).toBe(made?.sha256)
      } finally {
        await rm(folder, { recursive: true })
      }
    }, 30_000)
  })
}
