import { describe, expect, test } from '@jest/globals'
import { groupDeadLetters, replayDeadLetters } from '../../shared/core/dead-letter-replay.ts'
import { fileDeadLetter, listDeadLetters } from '../../shared/core/dead-letters.ts'
import { pauseReplication } from '../../shared/core/pause.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import type { Peer } from '../../shared/ports/peer.ts'
import { twoSites } from './two-sites.ts'

const jobLetter = (n: number, cause = `attempt ${n} on asset-${n}f00d failed`) =>
  ({ kind: 'job', cause, payload: { kind: 'process', payload: { tenant: 't1', job: `j${n}` } } }) as const

async function offerLetter(services: Services, id: string): Promise<void> {
  const key = { tenant: 'acme', collection: 'notes', id }
  const { record } = await writeRecord(services, key, { precondition: { kind: 'none' } }, () => ({ id }))
  const payload = { state: stateOf(record) as unknown as JsonObject }
  await fileDeadLetter(services, { kind: 'offer', cause: 'conflict: refused', payload })
}

const countOf = async (services: Services) => (await listDeadLetters(services, { limit: 1000 })).items.length

describe('replay of many', () => {
  test('a thousand letters go in bounded calls, and none twice', async () => {
    const { aws } = twoSites()
    for (let n = 0; n < 1000; n++) await fileDeadLetter(aws.services, jobLetter(n))
    let [replayed, calls] = [0, 0]
    let after: string | undefined
    do {
      const report = await replayDeadLetters(aws.services, { limit: 300, after })
      expect(report.replayed).toBeLessThanOrEqual(300)
      expect(report).toMatchObject({ failed: 0, gone: 0, stopped: null, failures: [] })
      replayed += report.replayed
      calls++
      after = report.next
    } while (after)
    expect([replayed, calls]).toEqual([1000, 4])
    expect(await countOf(aws.services)).toBe(0)
    expect((await aws.services.jobs.depth()).waiting).toBe(1000)
  })

  test('twice at once: every letter goes, and nobody is told of a failure', async () => {
    const { aws, azure } = twoSites()
    for (let n = 0; n < 40; n++) await offerLetter(aws.services, `r${n}`)
    const both = await Promise.all([1, 2].map(() => replayDeadLetters(aws.services, { limit: 100 })))
    for (const report of both) expect(report).toMatchObject({ failed: 0, stopped: null })
    expect(await countOf(aws.services)).toBe(0)
    expect(azure.records.all()).toHaveLength(40)
  })

  test('one kind or one cause alone', async () => {
    const { aws } = twoSites()
    for (let n = 0; n < 5; n++) await fileDeadLetter(aws.services, jobLetter(n))
    await fileDeadLetter(aws.services, jobLetter(9, 'disk full'))
    await offerLetter(aws.services, 'a')
    const { groups, more } = await groupDeadLetters(aws.services)
    expect(more).toBe(false)
    expect(groups.map(({ kind, cause, count }) => [kind, cause, count])).toEqual([
      ['job', 'attempt … on asset-… failed', 5],
      ['offer', 'conflict: refused', 1],
      ['job', 'disk full', 1],
    ])
    expect(await replayDeadLetters(aws.services, { limit: 100, cause: groups[0]?.cause })).toMatchObject({
      replayed: 5,
    })
    expect(await replayDeadLetters(aws.services, { limit: 100, kind: 'offer' })).toMatchObject({ replayed: 1 })
    expect((await listDeadLetters(aws.services, { limit: 10 })).items).toMatchObject([{ cause: 'disk full' }])
  })

  test('what fails again stays, with the new cause, and holds up nothing', async () => {
    const { aws, azure } = twoSites()
    await offerLetter(aws.services, 'good')
    await offerLetter(aws.services, 'bad')
    const refuse = { kind: 'failed', code: 'too-large', detail: 'it is too large' } as const
    const real = { ...aws.services.peer }
    const offer: Peer['offer'] = async (states) => (states[0]?.key.id === 'bad' ? [refuse] : real.offer(states))
    Object.assign(aws.services.peer, { offer })
    const report = await replayDeadLetters(aws.services, { limit: 100 })
    expect(report).toMatchObject({ replayed: 1, failed: 1, stopped: null })
    expect(report.failures).toMatchObject([{ detail: 'It failed again: it is too large' }])
    expect(azure.records.all()).toHaveLength(1)
    const { items } = await listDeadLetters(aws.services, { limit: 10 })
    expect(items).toMatchObject([{ times: 2, cause: 'It failed again: it is too large' }])
  })

  test('of a record that has changed since, what it has become is offered; of one that is gone, nothing', async () => {
    const { aws, azure } = twoSites()
    await offerLetter(aws.services, 'a')
    const key = { tenant: 'acme', collection: 'notes', id: 'a' }
    await writeRecord(aws.services, key, { precondition: { kind: 'none' } }, () => ({ now: 'smaller' }))
    const gone = { state: { key: { ...key, id: 'gone' } } } as unknown as JsonObject
    await fileDeadLetter(aws.services, { kind: 'effect', cause: 'broke', payload: gone })
    expect(await replayDeadLetters(aws.services, { limit: 10 })).toMatchObject({ replayed: 2, failed: 0 })
    expect((await azure.records.get(key))?.body).toEqual({ now: 'smaller' })
  })

  test('a peer that is away, or a way that is paused, ends it at once and costs no letter its cause', async () => {
    const sites = twoSites()
    for (let n = 0; n < 30; n++) await offerLetter(sites.aws.services, `r${n}`)
    sites.connected = false
    expect(await replayDeadLetters(sites.aws.services, { limit: 100 })).toMatchObject({
      replayed: 0,
      failed: 0,
      stopped: { code: 'peer-unavailable' },
    })
    sites.connected = true
    await pauseReplication(sites.aws.services, 'outgoing', { reason: 'drill', by: 'k' })
    expect(await replayDeadLetters(sites.aws.services, { limit: 100 })).toMatchObject({
      replayed: 0,
      stopped: { code: 'replication-paused' },
    })
    expect(sites.aws.calls['offer']).toBeUndefined()
    const { items } = await listDeadLetters(sites.aws.services, { limit: 100 })
    expect(items).toHaveLength(30)
    expect(new Set(items.map(({ times }) => times))).toEqual(new Set([1]))
  })
})
