import middy from '@middy/core'
import type { LambdaEvent } from 'hono/aws-lambda'
import { composeApp } from '../../shared/http/compose-app.ts'
import { answerWith } from '../adapters/http-message.ts'
import { composeServices } from '../compose.ts'
import { readConfig } from '../config.ts'

const config = readConfig()
const api = composeApp(composeServices('http', config), config)

/** API Gateway REST proxy event -> the API -> proxy result. */
export const handler = middy<LambdaEvent>().handler(answerWith(api))
