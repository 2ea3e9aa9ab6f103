import { memoryClock } from '../memory/clock.ts'
import { memoryRecordStore } from '../memory/record-store.ts'
import { memorySiteStore } from '../memory/site-store.ts'
import { recordIndexSuite } from './record-index-suite.ts'
import { recordStoreSuite } from './record-store-suite.ts'
import { siteStoreSuite } from './site-store-suite.ts'

const clock = memoryClock()
const records = memoryRecordStore()
const siteStore = memorySiteStore({ clock })

recordStoreSuite('memory', () => records)
recordIndexSuite('memory', () => records)
siteStoreSuite('memory', () => ({ store: siteStore, nowMs: clock.now, passTime: clock.advance }))
