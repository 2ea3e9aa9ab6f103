import { expect, test } from '@jest/globals'
import { reconcile } from '../../shared/core/reconcile.ts'
import { listRecords, readRecord } from '../../shared/core/record-reads.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { runTask } from '../../shared/core/tasks.ts'
import { twoSites, type TwoSites } from './two-sites.ts'

const notes = { tenant: 'acme', collection: 'notes' }
const key = { ...notes, id: 'a' }
const minuteMs = 60_000

const write = async ({ aws }: TwoSites, text: string) =>
  (await writeRecord(aws.services, key, { precondition: { kind: 'none' } }, () => ({ text }))).record

/** Both sites look after themselves once a minute, and their feeds bring what there is, or stand still. */
async function pass(sites: TwoSites, minutes: number, feeds: 'going' | 'standing'): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    await sites.clock.advance(minuteMs)
    for (const { services } of [sites.aws, sites.azure]) {
      await runTask(services, 'watch')
      await reconcile(services)
    }
    if (feeds === 'going') await sites.flush()
  }
}

test.each([20, 40, 120])(
  'a session does not read backwards while the feed of the other site stands still for %i minutes',
  async (minutes) => {
    const sites = twoSites()
    await write(sites, 'first')
    await pass(sites, 30, 'going')
    const { vector: session } = await write(sites, 'second')
    await pass(sites, minutes, 'standing')
    const { services } = sites.azure
    expect((await services.records.get(key))?.body).toEqual({ text: 'first' })
    sites.connected = false
    await expect(readRecord(services, key, { session })).rejects.toMatchObject({ code: 'peer-unavailable' })
    await expect(listRecords(services, notes, { limit: 10 }, { session })).rejects.toMatchObject({
      code: 'peer-unavailable',
    })
    sites.connected = true
    expect((await readRecord(services, key, { session }))?.body).toEqual({ text: 'second' })
  },
)

test('while feeds go on, a session needs no peer for what it has seen more than half an hour before, though nobody writes', async () => {
  const sites = twoSites()
  const { vector: session } = await write(sites, 'first')
  await pass(sites, 30, 'going')
  sites.connected = false
  expect((await readRecord(sites.azure.services, key, { session }))?.body).toEqual({ text: 'first' })
  expect(sites.azure.calls['read']).toBeUndefined()
})
