import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { createRequire } from 'node:module'
import { CreateTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'

const simulator = dirname(createRequire(import.meta.url).resolve('amplify-dynamodb-simulator/package.json'))
const emulator = join(simulator, 'emulator')
const startMsMax = 60_000

export interface TestDynamoDb {
  readonly url: string
  readonly client: DynamoDBClient
  close(): Promise<void>
}

/** DynamoDB Local in memory, with a records table `records` and a site table `site`. */
export async function startDynamoDb(): Promise<TestDynamoDb> {
  const port = await freePort()
  const flags = ['-Xmx384m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Djava.library.path=./DynamoDBLocal_lib']
  const args = [...flags, '-jar', 'DynamoDBLocal.jar', '-inMemory', '-sharedDb', '-port', String(port)]
  const child = spawn('java', args, { cwd: emulator, stdio: 'ignore' })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = `http://127.0.0.1:${port}`
  const client = new DynamoDBClient({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local-secret' },
  })
  await answering(client)
  await createTables(client)
  return {
    url,
    client,
    close: async () => {
      client.destroy()
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function answering(client: DynamoDBClient): Promise<void> {
  const endMs = Date.now() + startMsMax
  for (;;) {
    try {
      await client.send(new ListTablesCommand({}))
      return
    } catch (error) {
      if (Date.now() > endMs) throw error
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

const key = (hash: string, range: string) => [
  { AttributeName: hash, KeyType: 'HASH' as const },
  { AttributeName: range, KeyType: 'RANGE' as const },
]

const strings = (...names: string[]) => names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' as const }))

async function createTables(client: DynamoDBClient): Promise<void> {
  const common = { BillingMode: 'PAY_PER_REQUEST' as const, KeySchema: key('pk', 'sk') }
  await client.send(new CreateTableCommand({ TableName: 'site', ...common, AttributeDefinitions: strings('pk', 'sk') }))
  await client.send(
    new CreateTableCommand({
      TableName: 'records',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
      ...common,
      AttributeDefinitions: strings('pk', 'sk', 'bucketPage', 'bucketKey', 'feedKey', 'arrivalKey'),
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-bucket',
          KeySchema: key('bucketPage', 'bucketKey'),
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['vector', 'deleted'] },
        },
        { IndexName: 'by-arrival', KeySchema: key('feedKey', 'arrivalKey'), Projection: { ProjectionType: 'ALL' } },
      ],
    }),
  )
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
