/**
 * `npm run infra:api`: writes `aws/infra/api-document.json`, the API's own OpenAPI document as API Gateway imports it.
 * It knows OpenAPI 3.0 and JSON Schema draft 4, of which the plainest keywords are taken: what it lets pass, the API
 * itself refuses. Preflights, HEAD and pages that no document names go to the function by the any-method.
 */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ErrorCode } from '../shared/domain/errors.ts'
import { problemCatalogue } from '../shared/http/problem.ts'
import { apiDocument } from './api-document.ts'
import { isObject, type Json, type JsonObject, listOf, objectOf, textOf } from './cloudformation.ts'
import { repository } from './sources.ts'

const documentPath = 'aws/infra/api-document.json'
const depthMax = 4
const kept = ['type', 'enum', 'minLength', 'maxLength', 'minimum', 'maximum', 'minItems', 'maxItems']
const methods = ['get', 'put', 'post', 'patch', 'delete']

const httpFunction =
  'arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${self:service}-${sls:stage}-http:live'

const integration = {
  type: 'aws_proxy',
  httpMethod: 'POST',
  passthroughBehavior: 'when_no_match',
  uri: {
    // By name: the function knows the API's address, so a reference would make the two wait for each other.
    'Fn::Sub': `arn:\${AWS::Partition}:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/${httpFunction}/invocations`,
  },
}

/** A problem (RFC 9457) for what the gateway itself refuses, with the type and the title that the API gives. */
function problem(status: number, code: ErrorCode): JsonObject {
  const title = problemCatalogue.find((each) => each.code === code)?.title ?? code
  const body = `"type":"urn:catamaran:problem:${code}","title":"${title}","status":${status},"code":"${code}"`
  return {
    statusCode: status,
    responseParameters: {
      'gatewayresponse.header.Content-Type': "'application/problem+json'",
      'gatewayresponse.header.Cache-Control': "'no-store'",
      // It holds nothing of anybody, and a page that may not read it takes it for a network that is down.
      'gatewayresponse.header.Access-Control-Allow-Origin': "'*'",
      'gatewayresponse.header.Access-Control-Expose-Headers': "'Retry-After'",
      ...(status === 429 || status === 503 ? { 'gatewayresponse.header.Retry-After': "'1'" } : {}),
    },
    // The gateway puts a JSON text, quotes included, in place of the message.
    responseTemplates: { 'application/json': `{${body},"detail":$context.error.messageString}` },
  }
}

/** By the gateway's own names; a default is for all that have none of their own. */
const gatewayResponses: JsonObject = {
  BAD_REQUEST_BODY: problem(400, 'invalid-request'),
  BAD_REQUEST_PARAMETERS: problem(400, 'invalid-request'),
  ACCESS_DENIED: problem(403, 'forbidden'),
  INVALID_API_KEY: problem(403, 'forbidden'),
  MISSING_AUTHENTICATION_TOKEN: problem(403, 'forbidden'),
  WAF_FILTERED: problem(403, 'forbidden'),
  RESOURCE_NOT_FOUND: problem(404, 'not-found'),
  REQUEST_TOO_LARGE: problem(413, 'too-large'),
  UNSUPPORTED_MEDIA_TYPE: problem(415, 'unsupported-media-type'),
  QUOTA_EXCEEDED: problem(429, 'throttled'),
  THROTTLED: problem(429, 'throttled'),
  INTEGRATION_TIMEOUT: problem(503, 'unavailable'),
  DEFAULT_4XX: problem(400, 'invalid-request'),
  DEFAULT_5XX: problem(503, 'unavailable'),
}

/** What draft 4 and the gateway's import know of a schema. */
function modelOf(schema: Json | undefined, schemas: JsonObject, depth = 0): JsonObject {
  const given = objectOf(schema)
  const name = textOf(given.$ref).split('/').at(-1)
  if (name) return modelOf(schemas[name], schemas, depth)
  if (depth > depthMax || Array.isArray(given.type)) return {}
  const model: JsonObject = Object.fromEntries(
    Object.entries(given).filter(([key, value]) => kept.includes(key) && !isObject(value)),
  )
  const properties = Object.entries(objectOf(given.properties))
  if (properties.length > 0) {
    model.properties = Object.fromEntries(
      properties.map(([key, each]) => [key, modelOf(each, schemas, depth + 1)] as const),
    )
  }
  if (listOf(given.required).length > 0) model.required = listOf(given.required)
  if (isObject(given.items)) model.items = modelOf(given.items, schemas, depth + 1)
  return model
}

function operationOf(operation: JsonObject, path: string, schemas: JsonObject): JsonObject {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const content = objectOf(objectOf(operation.requestBody).content)
  const model = modelOf(objectOf(content['application/json']).schema, schemas)
  const hasModel =
    isObject(model.properties) && !('*/*' in content) && objectOf(operation.requestBody).required === true
  return {
    ...(operation.operationId === undefined ? {} : { operationId: operation.operationId }),
    parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    ...(hasModel ? { requestBody: { required: true, content: { 'application/json': { schema: model } } } } : {}),
    'x-amazon-apigateway-request-validator': hasModel ? 'all' : 'parameters',
    'x-amazon-apigateway-integration': integration,
    responses: {},
  }
}

function gatewayDocument(document: JsonObject): JsonObject {
  const schemas = objectOf(objectOf(document.components).schemas)
  const paths = Object.entries(objectOf(document.paths)).map(([path, item]) => {
    const operations = Object.entries(objectOf(item)).filter(([method]) => methods.includes(method))
    return [
      path,
      {
        ...Object.fromEntries(
          operations.map(([method, operation]) => [method, operationOf(objectOf(operation), path, schemas)]),
        ),
        'x-amazon-apigateway-any-method': operationOf({}, path, schemas),
      },
    ] as const
  })
  const any = (path: string, names: string): [string, JsonObject] => [
    path,
    { 'x-amazon-apigateway-any-method': operationOf({}, names, schemas) },
  ]
  return {
    openapi: '3.0.1',
    info: { title: 'Catamaran', version: textOf(objectOf(document.info).version) },
    paths: Object.fromEntries<Json>([...paths, any('/', '/'), any('/{proxy+}', '/{proxy}')]),
    'x-amazon-apigateway-request-validators': {
      all: { validateRequestBody: true, validateRequestParameters: true },
      parameters: { validateRequestBody: false, validateRequestParameters: true },
    },
    'x-amazon-apigateway-gateway-responses': gatewayResponses,
  }
}

/** The file's text. A deployment is a copy of the API as it then was: a new document must have one of another name. */
export async function apiDocumentText(): Promise<string> {
  const body = gatewayDocument(await apiDocument())
  const deploymentId = `ApiDeployment${createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 12)}`
  const deployment = { Type: 'AWS::ApiGateway::Deployment', Properties: { RestApiId: { Ref: 'ApiGatewayRestApi' } } }
  return `${JSON.stringify({ deploymentId, template: { Resources: { [deploymentId]: deployment } }, body }, null, 1)}\n`
}

/** Whether the committed file is the one that the routes would give now. */
export const isApiDocumentFresh = async (root: string): Promise<boolean> =>
  (await readFile(join(root, documentPath), 'utf8').catch(() => '')) === (await apiDocumentText())

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(join(repository, documentPath), await apiDocumentText())
  process.stdout.write(`written: ${documentPath}\n`)
}
