import * as z from 'zod'
import {
  checkPeerVariables,
  checkSigningVariables,
  parseEnvironment,
  sharedVariables,
} from '../shared/adapters/environment.ts'

const fields = z.object({
  ...sharedVariables,
  AWS_REGION: z.string().min(1),
  AWS_LAMBDA_FUNCTION_VERSION: z.string().default('$LATEST'),
  S3_FORCE_PATH_STYLE: z.stringbool().default(false),
  RECORDS_TABLE: z.string().min(3),
  SITE_TABLE: z.string().min(3),
  UPLOADS_BUCKET: z.string().min(3),
  OBJECTS_BUCKET: z.string().min(3),
  JOBS_QUEUE_URL: z.url(),
  JOBS_DEAD_LETTER_QUEUE_URL: z.url(),
  UPLOAD_EVENTS_QUEUE_URL: z.url(),
  UPLOAD_EVENTS_DEAD_LETTER_QUEUE_URL: z.url(),
  EDGE_KEY_PAIR_ID: z.string().min(1),
  EDGE_PRIVATE_KEY: z.string().includes('PRIVATE KEY'),
})

const variables = fields.superRefine(checkPeerVariables).superRefine(checkSigningVariables)

export type AwsConfig = z.infer<typeof variables>

/** The environment of a deployed function, checked. Throws with the name of every variable that is missing or wrong. */
export const readConfig = (environment: NodeJS.ProcessEnv = process.env): AwsConfig =>
  parseEnvironment(variables, environment)
