import { app } from '@azure/functions'
import { answerWith } from '../adapters/http-message.ts'
import { composeHttp } from '../compose.ts'

app.setup({ enableHttpStream: true })

/** Functions HTTP request -> the API -> response; bodies stream both ways. */
app.http('http', {
  route: '{*path}',
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
  authLevel: 'anonymous',
  handler: answerWith(composeHttp()),
})
