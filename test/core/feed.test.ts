import { expect, test } from '@jest/globals'
import { handleChanges } from '../../shared/core/feed.ts'
import { listDeadLetters } from '../../shared/core/dead-letters.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { SiteStore } from '../../shared/ports/site-store.ts'
import { twoSites } from './two-sites.ts'

test('a change that the peer took is no dead letter because this site could not write that down', async () => {
  const { aws, azure } = twoSites()
  const key = { tenant: 't1', collection: 'notes', id: 'a' }
  await writeRecord(aws.services, key, { precondition: { kind: 'none' } }, () => ({ text: 'hello' }))
  const siteStore: SiteStore = {
    ...aws.services.siteStore,
    put: async (item, condition) => {
      if (item.partition === 'feed-figures') throw new CatamaranError('throttled', 'too many requests')
      return aws.services.siteStore.put(item, condition)
    },
  }
  await expect(handleChanges({ ...aws.services, siteStore }, aws.feed)).rejects.toMatchObject({ code: 'throttled' })
  expect((await azure.records.get(key))?.body).toEqual({ text: 'hello' })
  expect((await listDeadLetters(aws.services, { limit: 10 })).items).toEqual([])
  // Delivered again, as the feed does after a failure, it goes through.
  expect(await handleChanges(aws.services, aws.feed)).toEqual({ failed: [] })
  expect((await listDeadLetters(aws.services, { limit: 10 })).items).toEqual([])
})
