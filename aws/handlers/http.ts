import middy from '@middy/core'
import type { LambdaEvent } from 'hono/aws-lambda'
import { answerWith } from '../adapters/http-message.ts'
import { composeHttp } from '../compose.ts'

/** API Gateway REST proxy event -> the API -> proxy result. */
export const handler = middy<LambdaEvent>().handler(answerWith(composeHttp()))
