import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { fromItem, toItem } from '../../aws/adapters/record-item.ts'
import { itemOf, keyOf } from './state.ts'

const client = new DynamoDBClient({})
const TableName = process.env.RECORDS_TABLE

/** The one SDK call that a put or a get of a record needs, and nothing around it. */
export const handler = async (event: APIGatewayProxyEvent): Promise<APIGatewayProxyResult> => {
  const id = event.path.slice(1)
  if (event.httpMethod === 'PUT') {
    const text = event.isBase64Encoded ? Buffer.from(event.body ?? '', 'base64').toString() : (event.body ?? '')
    const { state, facts } = itemOf('aws', id, text)
    const ConditionExpression = 'attribute_not_exists(pk)'
    await client.send(new PutItemCommand({ TableName, Item: toItem(state, facts), ConditionExpression }))
    return { statusCode: 201, body: '' }
  }
  const { pk, sk } = keyOf(id)
  const input = { TableName, Key: { pk: { S: pk }, sk: { S: sk } }, ConsistentRead: true }
  const { Item } = await client.send(new GetItemCommand(input))
  return Item ? { statusCode: 200, body: JSON.stringify(fromItem(Item).body) } : { statusCode: 404, body: '' }
}
