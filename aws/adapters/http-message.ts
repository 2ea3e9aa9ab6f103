import type { Env, Hono } from 'hono'
import { handle } from 'hono/aws-lambda'

/** API Gateway REST proxy event (payload format 1.0) -> the API -> proxy result, binary bodies in base64. */
export const answerWith = <E extends Env>(api: Hono<E>) => handle(api)
