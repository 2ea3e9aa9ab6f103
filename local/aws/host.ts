import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import { S3Client } from '@aws-sdk/client-s3'
import { SQSClient } from '@aws-sdk/client-sqs'
import { functionsOf } from './functions.ts'
import { Checkpoints } from './lambda/checkpoints.ts'
import { FunctionPool, poolDefaults } from './lambda/function-pool.ts'
import { createGateway } from './lambda/gateway.ts'
import type { GatewayResponses } from './lambda/gateway-responses.ts'
import { createInvokeApi } from './lambda/invoke-api.ts'
import { Schedules } from './lambda/schedules.ts'
import { schedulesOf, startMappings } from './mappings.ts'
import { awsPorts, localAccount, localCredentials, localRegion, portBaseDefault } from './ports.ts'
import { closeServer, listen, runProcess, type Running } from './process.ts'
import { provision } from './provision.ts'
import { Stack } from './stack.ts'
import { at, loadTemplate, type Template } from './template.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '.data' },
    'port-base': { type: 'string', default: String(portBaseDefault) },
    dist: { type: 'string', default: join(root, 'dist/aws') },
    template: { type: 'string', default: join(root, 'serverless.yml') },
    stage: { type: 'string', default: 'local' },
    'schedule-scale': { type: 'string', default: '1' },
    'instances-max': { type: 'string', default: String(poolDefaults.instancesMax) },
  },
})

const ports = awsPorts(Number(values['port-base']))
const urlOf = (port: number): string => `http://127.0.0.1:${port}`

/** The functions' surroundings: what the host was given, else what this machine has by default. */
const env: Record<string, string | undefined> = {
  AWS_REGION: localRegion,
  AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
  AWS_ENDPOINT_URL_DYNAMODB: urlOf(ports.dynamodb),
  AWS_ENDPOINT_URL_S3: urlOf(ports.s3),
  AWS_ENDPOINT_URL_SQS: urlOf(ports.sqs),
  S3_FORCE_PATH_STYLE: 'true',
  PUBLIC_URL: urlOf(ports.api),
  ...process.env,
}

function clientsOf() {
  const common = { region: env.AWS_REGION ?? localRegion, credentials: localCredentials }
  const at = (name: string) => ({ ...common, endpoint: env[`AWS_ENDPOINT_URL_${name}`] ?? '' })
  return {
    dynamodb: new DynamoDBClient(at('DYNAMODB')),
    streams: new DynamoDBStreamsClient(at('DYNAMODB')),
    s3: new S3Client({ ...at('S3'), forcePathStyle: true }),
    sqs: new SQSClient(at('SQS')),
  }
}

function binaryTest({ provider, resources }: Template): (mediaType: string) => boolean {
  const own = at(resources.ApiGatewayRestApi?.Properties, 'BinaryMediaTypes')
  const types = own ?? at(provider, 'apiGateway', 'binaryMediaTypes')
  const patterns = (Array.isArray(types) ? types : []).map(String)
  return (mediaType) => patterns.includes('*/*') || patterns.some((pattern) => mediaType.startsWith(pattern))
}

const responsesOf = ({ resources }: Template): GatewayResponses =>
  (at(resources.ApiGatewayRestApi?.Properties, 'Body', 'x-amazon-apigateway-gateway-responses') ??
    {}) as unknown as GatewayResponses

async function start(): Promise<Running> {
  const scale = Number(values['schedule-scale'])
  const instancesMax = Number(values['instances-max'])
  const place = { region: localRegion, account: localAccount, sqsEndpoint: env.AWS_ENDPOINT_URL_SQS ?? '' }
  const template = loadTemplate({ file: values.template, stage: values.stage, env })
  const stack = new Stack(template, place)
  const functions = functionsOf(stack, { dist: values.dist, env })
  const log = (line: string): void => void process.stdout.write(`${line}\n`)
  const logFunction = (name: string, line: string): void => log(`[${name}] ${line}`)
  const pools = new Map(
    [...functions.values()].map((spec) => [spec.name, new FunctionPool(spec, logFunction, { instancesMax })]),
  )
  const http = pools.get(functions.get('http')?.name ?? '')
  if (!http) throw new Error('The template has no function http')

  const gateway = createGateway({
    pool: http,
    stage: values.stage,
    account: localAccount,
    isBinary: binaryTest(template),
    responses: responsesOf(template),
  })
  const invokeApi = createInvokeApi({ pools, scale })
  await listen(gateway, ports.api, 'The AWS API')
  await listen(invokeApi, ports.lambda, 'The Lambda API')
  const clients = clientsOf()
  await provision(stack, clients, values.data)
  mkdirSync(values.data, { recursive: true })
  const checkpoints = new Checkpoints(join(values.data, 'lambda.sqlite'))
  // Queues hold work for the processor, where more at once than there are cores makes none of it sooner, and copies,
  // which mostly wait: two more of those must not stand behind a film.
  const concurrencyMax = Math.min(instancesMax, availableParallelism() + 2)
  const mappings = startMappings({ stack, clients, pools, checkpoints, concurrencyMax, log })
  const schedules = new Schedules(schedulesOf(stack, pools, scale), scale)
  return {
    ready: { name: 'aws-host', api: urlOf(ports.api), lambda: urlOf(ports.lambda), ...namesOf(stack) },
    close: async () => {
      schedules.close()
      const closed = mappings.map((mapping) => mapping.close())
      await Promise.all([
        closeServer(gateway),
        closeServer(invokeApi),
        ...[...pools.values()].map((pool) => pool.close()),
      ])
      await Promise.all(closed)
      for (const client of Object.values(clients)) client.destroy()
      checkpoints.close()
    },
  }
}

const namesOf = (stack: Stack): Record<string, Record<string, unknown>> => ({
  resources: Object.fromEntries(
    ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::SQS::Queue'].flatMap((type) =>
      stack.resources(type).map(([id]) => [id, stack.ref(id)]),
    ),
  ),
})

await runProcess(start)
