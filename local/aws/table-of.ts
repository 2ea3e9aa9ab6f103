import { type DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'

/** The name of the local site's table, whatever the template calls it. */
export async function tableOf(client: DynamoDBClient, suffix: 'records' | 'site'): Promise<string> {
  const { TableNames = [] } = await client.send(new ListTablesCommand({}))
  const name = TableNames.find((each) => each.endsWith(suffix))
  if (name === undefined) throw new Error(`There is no table ${suffix} among ${TableNames.join(', ')}`)
  return name
}
