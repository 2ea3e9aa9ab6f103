import { describe, expect, test } from '@jest/globals'
import { until } from '../../../local/tour/until.ts'
import type { Site } from '../../../shared/domain/site.ts'
import { type Pair, unique } from '../pair.ts'

interface OperationView {
  readonly id: string
  readonly state: string
  readonly counts: Record<string, number>
  readonly found: Record<string, number>
  readonly examples: readonly { readonly what: string }[]
  readonly summary: readonly string[]
  readonly progress: { readonly fraction: number }
}

export function operationsSuite(pair: () => Pair): void {
  describe('operations', () => {
    async function run(site: Site, kind: string, json: object): Promise<OperationView> {
      const here = pair().apis[site]
      const begun = await here.call<OperationView>('POST', `/v1/replication/${kind}`, { json, status: 202 })
      const location = begun.headers.get('location') ?? ''
      let seen: OperationView | undefined
      return until(
        `the ${kind} ended`,
        async () => {
          seen = await here.get<OperationView>(location)
          return seen.state !== 'running' && seen
        },
        { timeoutMs: 120_000, everyMs: 500, seen: () => seen },
      )
    }

    test('verify goes through everything; what was written a moment ago is no alarm', async () => {
      const id = unique('verified')
      const path = `/v1/collections/verified/records/${id}`
      await pair().apis.aws.call('PUT', path, { json: { id }, headers: { 'if-none-match': '*' }, status: 201 })
      const done = await run('aws', 'verify', {})
      expect([done.state, done.progress.fraction]).toEqual(['done', 1])
      expect(done.counts['records']).toBeGreaterThan(0)
      expect(done.counts['peerRecords']).toBeGreaterThan(0)
      expect(done.examples.filter(({ what }) => what.includes(id))).toEqual([])
      expect(Object.keys(done.found).filter((kind) => kind.startsWith('record-'))).toEqual([])
    })

    test('a backfill of sites that are equal moves nothing, and ends', async () => {
      const done = await run('azure', 'backfill', { recordsPerSecond: 1_000 })
      expect(done.state).toBe('done')
      expect(done.summary.join(' ')).toMatch('is done')
    })
  })
}
