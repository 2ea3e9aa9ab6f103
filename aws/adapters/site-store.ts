import {
  type AttributeValue,
  type ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb'
import { systemClock, systemRandom } from '../../shared/adapters/clock.ts'
import { collectAlive } from '../../shared/adapters/site-pages.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { siteText } from '../../shared/domain/stored-text.ts'
import type { Clock, Random } from '../../shared/ports/clock.ts'
import type { SiteCondition, SiteItem, SiteStore } from '../../shared/ports/site-store.ts'
import { calling, isNamed, mapError } from './errors.ts'

export interface SiteStoreOptions {
  readonly client: DynamoDBClient
  /** pk and sk (strings); `expiresAt` (seconds) is the table's time-to-live attribute. */
  readonly table: string
  readonly clock?: Clock
  readonly random?: Random
}

type Item = Record<string, AttributeValue>

/** Site-local items in one DynamoDB table. DynamoDB removes expired items late, so every expression looks at `expiresMs` too. */
export function dynamoSiteStore({
  client,
  table: TableName,
  clock = systemClock,
  random = systemRandom,
}: SiteStoreOptions): SiteStore {
  const isAlive = ({ expiresMs }: SiteItem): boolean => expiresMs === undefined || expiresMs > clock.now()

  return {
    get: async (partition, id) => {
      const input = { TableName, Key: itemKey(partition, id), ConsistentRead: true }
      const { Item } = await calling('reading a site item', () => client.send(new GetItemCommand(input)))
      const item = Item && fromItem(Item)
      return item && isAlive(item) ? item : undefined
    },
    put: async ({ partition, id, value, expiresMs }, condition) => {
      const rev = Buffer.from(random.bytes(12)).toString('base64url')
      const expiry = expiresMs === undefined ? {} : { expiresMs: number(expiresMs), expiresAt: seconds(expiresMs) }
      const Item = { ...itemKey(partition, id), value: { S: siteText(id, value) }, rev: { S: rev }, ...expiry }
      const when = conditionInput(condition, clock.now())
      const returned = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const
      try {
        await client.send(new PutItemCommand({ TableName, Item, ...(when && { ...when, ...returned }) }))
        return true
      } catch (error) {
        if (!isNamed(error, 'ConditionalCheckFailedException')) throw mapError(error, 'storing a site item')
        // The SDK tries again when an answer is lost: the second try then meets the first one's own write.
        return (error as ConditionalCheckFailedException).Item?.rev?.S === rev
      }
    },
    remove: async (partition, id, token) => {
      const when = conditionInput(token === undefined ? undefined : { kind: 'unchanged', token }, clock.now())
      try {
        await client.send(new DeleteItemCommand({ TableName, Key: itemKey(partition, id), ...when }))
        return true
      } catch (error) {
        if (isNamed(error, 'ConditionalCheckFailedException')) return false
        throw mapError(error, 'removing a site item')
      }
    },
    list: (partition, page) =>
      collectAlive(page, isAlive, async (after, limit) => {
        const input = {
          TableName,
          KeyConditionExpression:
            after === undefined ? 'pk = :pk' : `pk = :pk AND sk ${page.descending ? '<' : '>'} :sk`,
          ExpressionAttributeValues: {
            ':pk': { S: partition },
            ...(after === undefined ? {} : { ':sk': { S: after } }),
          },
          ScanIndexForward: !page.descending,
          ConsistentRead: true,
          Limit: limit,
        }
        const answer = await calling('listing site items', () => client.send(new QueryCommand(input)))
        return { items: (answer.Items ?? []).map(fromItem), hasMore: answer.LastEvaluatedKey !== undefined }
      }),
  }
}

const itemKey = (partition: string, id: string): Item => ({ pk: { S: partition }, sk: { S: id } })
const number = (value: number): AttributeValue => ({ N: String(value) })
const seconds = (ms: number): AttributeValue => number(Math.ceil(ms / 1000))

const alive = '(attribute_not_exists(expiresMs) OR expiresMs > :now)'

/**
 *                     any       absent     unchanged(token)          none given (remove)
 *   no item, expired  written   written    refused                   refused
 *   alive, rev = t    written   refused    written when t = token    removed
 */
function conditionInput(condition: SiteCondition | undefined, nowMs: number) {
  const now = { ':now': number(nowMs) }
  if (condition === undefined) {
    return { ConditionExpression: `attribute_exists(pk) AND ${alive}`, ExpressionAttributeValues: now }
  }
  switch (condition.kind) {
    case 'any':
      return undefined
    case 'absent':
      return { ConditionExpression: 'attribute_not_exists(pk) OR expiresMs <= :now', ExpressionAttributeValues: now }
    case 'unchanged':
      return {
        ConditionExpression: `rev = :token AND ${alive}`,
        ExpressionAttributeValues: { ...now, ':token': { S: condition.token } },
      }
  }
}

function fromItem({ pk, sk, value, rev, expiresMs }: Item): SiteItem {
  return {
    partition: pk?.S ?? '',
    id: sk?.S ?? '',
    value: JSON.parse(value?.S ?? '{}') as JsonObject,
    token: rev?.S ?? '',
    ...(expiresMs?.N === undefined ? {} : { expiresMs: Number(expiresMs.N) }),
  }
}
