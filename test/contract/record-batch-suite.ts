import { describe, expect, test } from '@jest/globals'
import { recordBytesMax } from '../../shared/domain/limits.ts'
import type { RecordStore, RecordWrite } from '../../shared/ports/record-store.ts'
import { facts, freshTenant, state } from './fixtures.ts'

const absent = { kind: 'absent' } as const

/** What every record store promises for many records at once. */
export function recordBatchSuite(name: string, storeOf: () => RecordStore): void {
  const writesOf = (tenant: string, count: number, text = 'x'): RecordWrite[] =>
    Array.from({ length: count }, (_, index) => ({
      state: state({ tenant, collection: 'many', id: `id-${index}` }, { index, text }),
      condition: absent,
      facts: facts(),
    }))
  const kindsOf = (outcomes: readonly { readonly kind: string }[]) => outcomes.map(({ kind }) => kind)

  describe(`${name}: many records`, () => {
    test('a hundred at once come back as they went in, in order, and their tokens hold', async () => {
      const writes = writesOf(freshTenant(), 100)
      const outcomes = await storeOf().putMany(writes)
      expect(new Set(kindsOf(outcomes))).toEqual(new Set(['stored']))
      const read = await storeOf().getMany(writes.map((write) => write.state.key))
      expect(read.map((record) => record?.body)).toEqual(writes.map((write) => write.state.body))
      expect(read.map((record) => record?.token)).toEqual(outcomes.map((out) => (out as { token: string }).token))
    })

    test('each write by itself: those whose condition fails change nothing and hold nothing back', async () => {
      const tenant = freshTenant()
      const first = writesOf(tenant, 10).filter((_, index) => index % 3 === 0)
      await storeOf().putMany(first)
      const outcomes = await storeOf().putMany(writesOf(tenant, 10, 'second'))
      expect(kindsOf(outcomes)).toEqual(
        Array.from({ length: 10 }, (_, index) => (index % 3 === 0 ? 'changed' : 'stored')),
      )
      const read = await storeOf().getMany(writesOf(tenant, 10).map((write) => write.state.key))
      expect(read.map((record) => record?.body?.['text'])).toEqual(
        Array.from({ length: 10 }, (_, index) => (index % 3 === 0 ? 'x' : 'second')),
      )
    })

    test('replacing asks for the token of each', async () => {
      const tenant = freshTenant()
      const outcomes = await storeOf().putMany(writesOf(tenant, 4))
      const tokens = outcomes.map((outcome) => (outcome.kind === 'stored' ? outcome.token : ''))
      const again = writesOf(tenant, 4, 'again').map((write, index) => ({
        ...write,
        condition: { kind: 'unchanged', token: index === 2 ? 'another' : (tokens[index] ?? '') } as const,
      }))
      expect(kindsOf(await storeOf().putMany(again))).toEqual(['stored', 'stored', 'changed', 'stored'])
    })

    test('one that is too large is refused alone', async () => {
      const [small, large, last] = writesOf(freshTenant(), 3) as [RecordWrite, RecordWrite, RecordWrite]
      const body = { text: 'y'.repeat(recordBytesMax + 1) }
      const outcomes = await storeOf().putMany([small, { ...large, state: { ...large.state, body } }, last])
      expect(outcomes).toMatchObject([
        { kind: 'stored' },
        { kind: 'refused', error: { code: 'too-large' } },
        { kind: 'stored' },
      ])
    })

    test('more text than one batch of the store takes goes in several', async () => {
      const writes = writesOf(freshTenant(), 20, 'z'.repeat(200_000))
      expect(new Set(kindsOf(await storeOf().putMany(writes)))).toEqual(new Set(['stored']))
    })

    test('nothing is nothing', async () => {
      expect(await storeOf().putMany([])).toEqual([])
      expect(await storeOf().getMany([])).toEqual([])
    })

    test('two batches that race for the same records: each record has one winner', async () => {
      const tenant = freshTenant()
      const [a, b] = await Promise.all([
        storeOf().putMany(writesOf(tenant, 30, 'a')),
        storeOf().putMany(writesOf(tenant, 30, 'b').reverse()),
      ])
      const won = (kinds: readonly string[]) => kinds.filter((kind) => kind === 'stored').length
      expect(won(kindsOf(a)) + won(kindsOf(b))).toBe(30)
    })
  })
}
