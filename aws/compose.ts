import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { SQSClient } from '@aws-sdk/client-sqs'
import { systemClock, systemRandom } from '../shared/adapters/clock.ts'
import { composePeer } from '../shared/http/compose-peer.ts'
import type { Services } from '../shared/core/services.ts'
import type { Analysis } from '../shared/ports/analysis.ts'
import { rekognitionAnalysis } from './adapters/analysis.ts'
import { cloudFrontDelivery } from './adapters/delivery.ts'
import { functionIdentity } from './adapters/identity.ts'
import { sqsJobQueue, sqsQueue } from './adapters/job-queue.ts'
import { s3ClientSettings } from './adapters/object-bucket.ts'
import { s3ObjectStore } from './adapters/object-store.ts'
import { stsCredentials } from './adapters/peer-credentials.ts'
import { dynamoRecordStore } from './adapters/record-store.ts'
import { dynamoSiteStore } from './adapters/site-store.ts'
import { cloudWatchTelemetry } from './adapters/telemetry.ts'
import { type AwsConfig, readConfig } from './config.ts'

/** The ports of this site over AWS's services. `service` names the function in logs and metrics. */
export function composeServices(service: string, config: AwsConfig = readConfig()): Services {
  const credentials = functionIdentity()
  const dynamo = new DynamoDBClient({ credentials })
  const sqs = new SQSClient({ credentials })
  const s3 = new S3Client({ ...s3ClientSettings, credentials, forcePathStyle: config.S3_FORCE_PATH_STYLE })
  return {
    site: 'aws',
    incarnation: config.SITE_INCARNATION,
    records: dynamoRecordStore({ client: dynamo, table: config.RECORDS_TABLE }),
    siteStore: dynamoSiteStore({ client: dynamo, table: config.SITE_TABLE }),
    objects: s3ObjectStore({ client: s3, uploadsBucket: config.UPLOADS_BUCKET, objectsBucket: config.OBJECTS_BUCKET }),
    jobs: sqsJobQueue({
      client: sqs,
      queueUrl: config.JOBS_QUEUE_URL,
      deadLetterQueueUrl: config.JOBS_DEAD_LETTER_QUEUE_URL,
    }),
    dropEvents: sqsQueue({
      client: sqs,
      queueUrl: config.UPLOAD_EVENTS_QUEUE_URL,
      deadLetterQueueUrl: config.UPLOAD_EVENTS_DEAD_LETTER_QUEUE_URL,
    }),
    peer: composePeer('aws', config, (audience) => stsCredentials({ client: dynamo, audience })),
    delivery: cloudFrontDelivery({
      edgeUrl: config.EDGE_URL,
      keyPairId: config.EDGE_KEY_PAIR_ID,
      privateKey: config.EDGE_PRIVATE_KEY,
    }),
    clock: systemClock,
    random: systemRandom,
    telemetry: cloudWatchTelemetry({
      service,
      stage: config.CATAMARAN_STAGE,
      version: config.AWS_LAMBDA_FUNCTION_VERSION,
      level: config.LOG_LEVEL,
      clock: systemClock,
    }),
  }
}

/** What looks at pictures here, if the configuration names anything to look for. */
export const composeAnalysis = ({ ANALYSIS_FEATURES: features }: AwsConfig = readConfig()): Analysis | undefined =>
  features && rekognitionAnalysis({ client: new DynamoDBClient({ credentials: functionIdentity() }), features })
