import { parseArgs } from 'node:util'
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { awsPorts, localAccount, localCredentials, localRegion, portBaseDefault } from './ports.ts'
import { runProcess, type Running } from './process.ts'
import { startS3Server } from './s3/server.ts'
import { startSqsServer } from './sqs/server.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '.data' },
    'port-base': { type: 'string', default: String(portBaseDefault) },
  },
})

async function start(): Promise<Running> {
  const ports = awsPorts(Number(values['port-base']))
  const { data } = values
  const secrets = { [localCredentials.accessKeyId]: localCredentials.secretAccessKey }
  const sqs = await startSqsServer({ data, port: ports.sqs, region: localRegion, account: localAccount, secrets })
  const endpoint = `http://127.0.0.1:${sqs.port}`
  const client = new SQSClient({ endpoint, region: localRegion, credentials: localCredentials })
  const sendEvent = async (queueArn: string, body: string): Promise<void> => {
    const QueueUrl = `${endpoint}/${localAccount}/${queueArn.split(':').at(-1)}`
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: body }))
  }
  const s3 = await startS3Server({ data, port: ports.s3, region: localRegion, secrets, sendEvent })
  return {
    ready: { name: 'aws-services', s3: `http://127.0.0.1:${s3.port}`, sqs: endpoint },
    close: async () => {
      await s3.close()
      await sqs.close()
      client.destroy()
    },
  }
}

await runProcess(start)
