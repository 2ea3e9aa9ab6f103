import { expect, test } from '@jest/globals'
import { applyStates } from '../../shared/core/apply.ts'
import { listConflicts } from '../../shared/core/conflicts.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { twoSites } from './two-sites.ts'

const key = { tenant: 'acme', collection: 'notes', id: 'a' }
const none = { precondition: { kind: 'none' } } as const

test('the winner does not take the place of a loser that could not be kept', async () => {
  const sites = twoSites()
  await writeRecord(sites.aws.services, key, none, () => ({ text: 'loses' }))
  await sites.clock.advance(1)
  const { record } = await writeRecord(sites.azure.services, key, none, () => ({ text: 'wins' }))
  const { records } = sites.aws
  const failing: Services = {
    ...sites.aws.services,
    records: {
      ...records,
      put: async (state, ...rest) => {
        if (state.key.collection === '_conflicts') throw new CatamaranError('unavailable', 'the store is away')
        return records.put(state, ...rest)
      },
    },
  }
  expect(await applyStates(failing, [stateOf(record)])).toMatchObject([{ kind: 'failed', code: 'unavailable' }])
  expect((await records.get(key))?.body).toEqual({ text: 'loses' })
  expect(await applyStates(sites.aws.services, [stateOf(record)])).toEqual([{ kind: 'merged' }])
})

test('what lost is kept as a conflict, and not in the quarantine, when the clock goes back in between', async () => {
  const sites = twoSites()
  await writeRecord(sites.aws.services, key, none, () => ({ text: 'loses' }))
  await sites.clock.advance(1)
  const { record } = await writeRecord(sites.azure.services, key, none, () => ({ text: 'wins' }))
  const readings = [0]
  const setBack: Services = {
    ...sites.aws.services,
    clock: { ...sites.clock, now: () => sites.clock.now() - (readings.pop() === undefined ? 3_600_000 : 0) },
  }
  expect(await applyStates(setBack, [stateOf(record)])).toEqual([{ kind: 'merged' }])
  const { items } = await listConflicts(sites.aws.services, 'acme', { limit: 10 })
  expect(items).toMatchObject([{ recordId: 'a', body: { text: 'loses' } }])
})
