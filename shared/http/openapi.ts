import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Api } from './api.ts'
import { batchLineSchema } from './schemas/records.ts'
import { createAssetSchema } from './schemas/assets.ts'

export type OpenApiDocument = ReturnType<OpenAPIHono['getOpenAPI31Document']>

const tags: readonly { name: string; description: string }[] = [
  { name: 'Assets', description: 'Uploaded bytes, what was found in them, and what was made of them.' },
  { name: 'Images', description: 'How images are shown: sizes, formats, and what of them.' },
  { name: 'Records', description: 'JSON documents in collections.' },
  { name: 'Changes', description: 'Everything that happens, in order of arrival.' },
  { name: 'Collections', description: 'How a collection of records behaves at both sites.' },
  { name: 'Analytics', description: 'SQL over the rows of data files.' },
  { name: 'Conflicts', description: 'What lost against a write made at the same time at the other site.' },
  { name: 'Replication', description: 'How the two sites keep up with each other. For operators.' },
  { name: 'Keys', description: 'Who may call.' },
  { name: 'Webhooks', description: 'Who is told what becomes of assets.' },
  { name: 'Health', description: 'For load balancers and monitors. No key needed.' },
]

const description = [
  'One API on two clouds at the same time: whatever is written at one site is soon at the other, and either works alone.',
  'Errors are problems (RFC 9457) with a stable `code`. Lists are paged by opaque cursors that are valid at both sites.',
  'Changes to what exists need `If-Match`; an `Idempotency-Key` makes any repeated request harmless, at either site.',
].join('\n\n')

/** The OpenAPI 3.1 document of all routes that were added to the app. */
export function openApiDocument({ app, options }: Api): OpenApiDocument {
  const registry = app.openAPIRegistry
  registry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key, or an access token of an identity service that this deployment takes (OpenID Connect).',
  })
  registry.registerComponent('securitySchemes', 'apiKey', { type: 'apiKey', in: 'header', name: 'X-Api-Key' })
  // Read by handlers line by line or by content type, so no route refers to them.
  registry.register('BatchLine', batchLineSchema)
  registry.register('CreateAsset', createAssetSchema)
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Catamaran',
      version: options.version ?? '1.0.0',
      description,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [
      { url: options.publicUrl, description: 'this site' },
      { url: options.peerUrl, description: 'the other site' },
    ],
    tags: [...tags],
  })
}
