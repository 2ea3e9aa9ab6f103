import { afterAll, beforeAll, describe, jest } from '@jest/globals'
import { type Pair, startPair } from './pair.ts'
import { assetsSuite } from './suites/assets.ts'
import { browserSuite } from './suites/browser.ts'
import { captionsSuite } from './suites/captions.ts'
import { contentSuite } from './suites/content.ts'
import { crashSuite } from './suites/crash.ts'
import { dropsSuite } from './suites/drops.ts'
import { equalBytesSuite } from './suites/equal-bytes.ts'
import { garbageSuite } from './suites/garbage.ts'
import { imagesSuite } from './suites/images.ts'
import { importsSuite } from './suites/imports.ts'
import { keysSuite, revokedKeysSuite } from './suites/keys.ts'
import { largeSuite } from './suites/large.ts'
import { longFilmsSuite } from './suites/long-films.ts'
import { operationsSuite } from './suites/operations.ts'
import { recordsSuite } from './suites/records.ts'
import { replicationSuite } from './suites/replication.ts'
import { signInSuite } from './suites/sign-in.ts'
import { streamsSuite } from './suites/streams.ts'
import { tablesSuite } from './suites/tables.ts'
import { tracesSuite } from './suites/traces.ts'
import { uppySuite } from './suites/uppy.ts'
import { webhooksSuite } from './suites/webhooks.ts'

// One pair of clouds for all suites, since a start costs seconds; the rough ones come last.
// A message that got lost is sent again after a minute: only what takes longer than that is stuck.
jest.setTimeout(180_000)

let running: Pair | undefined
const pair = (): Pair => {
  if (!running) throw new Error('The clouds did not start')
  return running
}

beforeAll(async () => {
  running = await startPair()
}, 120_000)

afterAll(() => running?.stop(), 60_000)

describe('both clouds', () => {
  recordsSuite(pair)
  replicationSuite(pair)
  keysSuite(pair)
  signInSuite(pair)
  operationsSuite(pair)
  assetsSuite(pair)
  uppySuite(pair)
  browserSuite(pair)
  webhooksSuite(pair)
  importsSuite(pair)
  contentSuite(pair)
  streamsSuite(pair)
  captionsSuite(pair)
  longFilmsSuite(pair)
  tablesSuite(pair)
  tracesSuite(pair)
  revokedKeysSuite()
  imagesSuite(pair)
  equalBytesSuite(pair)
  dropsSuite(pair)
  garbageSuite(pair)
  crashSuite(pair)
  largeSuite(pair)
})
