import { expect, test } from '@jest/globals'
import { refreshTree } from '../../shared/core/digest-tree.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { twoSites } from './two-sites.ts'

const scansMax = 60
const runsMax = 20

test('a store that takes less than there is to read again comes to the end all the same, run by run', async () => {
  const sites = twoSites()
  const { aws, clock } = sites
  for (let n = 0; n < 200; n++) {
    const key = { tenant: 'acme', collection: 'notes', id: `r${n}` }
    await writeRecord(aws.services, key, { precondition: { kind: 'none' } }, () => ({ n }))
  }
  await sites.flush()
  await clock.advance(10_000)
  let scans = 0
  const services: Services = {
    ...aws.services,
    records: {
      ...aws.records,
      scanBuckets: async (...args: Parameters<typeof aws.records.scanBuckets>) => {
        if (++scans > scansMax) throw new CatamaranError('throttled', 'too many requests')
        return aws.records.scanBuckets(...args)
      },
    },
  }
  let isComplete = false
  for (let run = 0; run < runsMax && !isComplete; run++) {
    scans = 0
    isComplete = await refreshTree(services, 5_000).then(
      ({ complete }) => complete,
      () => false,
    )
  }
  expect(isComplete).toBe(true)
})
