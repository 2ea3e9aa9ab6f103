import { afterAll, beforeAll } from '@jest/globals'
import { dynamoRecordStore } from '../../aws/adapters/record-store.ts'
import { dynamoSiteStore } from '../../aws/adapters/site-store.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'
import type { SiteStore } from '../../shared/ports/site-store.ts'
import { startDynamoDb, type TestDynamoDb } from './dynamodb.ts'
import { recordIndexSuite } from './record-index-suite.ts'
import { recordStoreSuite } from './record-store-suite.ts'
import { siteStoreSuite } from './site-store-suite.ts'

let database: TestDynamoDb
let records: RecordStore
let siteStore: SiteStore

beforeAll(async () => {
  database = await startDynamoDb()
  records = dynamoRecordStore({ client: database.client, table: 'records' })
  siteStore = dynamoSiteStore({ client: database.client, table: 'site' })
}, 90_000)
afterAll(() => database?.close())

const passTime = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

recordStoreSuite('DynamoDB', () => records)
recordIndexSuite('DynamoDB', () => records)
siteStoreSuite('DynamoDB', () => ({ store: siteStore, nowMs: Date.now, passTime }))
