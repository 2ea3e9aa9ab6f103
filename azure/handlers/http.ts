import { app } from '@azure/functions'
import { composeApp } from '../../shared/http/compose-app.ts'
import { answerWith } from '../adapters/http-message.ts'
import { composeServices } from '../compose.ts'
import { readConfig } from '../config.ts'

const config = readConfig()
const api = composeApp(composeServices('http', config), config, { streamsAnswers: true })

app.setup({ enableHttpStream: true })

/** Functions HTTP request -> the API -> response; bodies stream both ways. */
app.http('http', {
  route: '{*path}',
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
  authLevel: 'anonymous',
  handler: answerWith(api),
})
