import * as z from '../zod.ts'
import { createAsset, createAssetFromBytes, type Created } from '../../core/assets.ts'
import { createImport } from '../../core/import-create.ts'
import { CatamaranError } from '../../domain/errors.ts'
import { sha256Hex } from '../../domain/hash.ts'
import type { Json } from '../../domain/json.ts'
import type { Api } from '../api.ts'
import { answer, createdIdOf, durabilityOf, idempotencyOf } from '../answer.ts'
import { fileNameOf } from '../file-name.ts'
import { assertPublicUrl } from '../public-url.ts'
import { mediaTypeOf, readBytes, readJson } from '../request-body.ts'
import { jsonTypes, route, tracedServices, type AnyCall } from '../route.ts'
import { assetNameSchema, createAssetSchema, createdAssetSchema, mediaTypeSchema } from '../schemas/assets.ts'
import { validate } from '../validate.ts'
import { assetTag, viewOfAsset } from './assets.ts'

/** What a Lambda takes in one request (6 MB in base64). */
export const directBytesMax = 4 * 1024 * 1024

const createdHeaders = ['Location', 'ETag', 'Catamaran-Session', 'Idempotency-Replayed', 'Preference-Applied']

export function addAssetCreateRoute(api: Api): void {
  const definition = {
    method: 'post',
    path: '/v1/assets',
    operationId: 'createAsset',
    tag: assetTag,
    summary: 'Create an asset',
    description:
      'With JSON: names the asset and answers with a plan by which its bytes go straight to the store. With any other content, or ' +
      'JSON and a name (`name`, X-Asset-Name or Content-Disposition): the content itself, up to 4 MiB, is the asset.',
    scope: 'assets:write',
    query: z.strictObject({ name: assetNameSchema.optional() }),
    content: { 'application/json': 'The schema CreateAsset.', '*/*': 'The bytes of the asset, up to 4 MiB.' },
    requestHeaders: ['Idempotency-Key', 'Prefer', 'Catamaran-Session'],
    responses: {
      201: {
        description: 'Created; upload by the plan, then complete.',
        schema: createdAssetSchema,
        headers: createdHeaders,
      },
      202: {
        description: 'The bytes are here, or will be fetched, and will be processed.',
        schema: createdAssetSchema,
        headers: createdHeaders,
      },
      200: {
        description: 'Created before by the same Idempotency-Key.',
        schema: createdAssetSchema,
        headers: createdHeaders,
      },
    },
  } as const
  route(api, definition, async (call) => {
    const name = directNameOf(call, call.query.name)
    const mediaType = mediaTypeOf(call.c.req.header('content-type'))
    return name === undefined && mediaType === 'application/json'
      ? createPlanned(call)
      : createDirect(call, name, mediaType)
  })
}

function directNameOf(call: AnyCall, inQuery: string | undefined): string | undefined {
  const inHeader = call.c.req.header('x-asset-name')
  const name =
    inQuery ?? (inHeader === undefined ? fileNameOf(call.c.req.header('content-disposition')) : decodeName(inHeader))
  return name === undefined ? undefined : validate(assetNameSchema, name, 'header')
}

/** A header carries ASCII; anything else comes percent-encoded. */
function decodeName(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

async function createPlanned(call: AnyCall): Promise<Response> {
  const { tenant, c, api } = call
  const services = tracedServices(call)
  const json = await readJson(c.req.raw, jsonTypes, api.bodyBytesMax)
  const {
    id: given,
    name,
    mediaType,
    source,
    upload,
    partBytes,
    partChecksums,
    ...facts
  } = validate(createAssetSchema, json, 'body')
  const id = given ?? createdIdOf(call, 'assets')
  const { bytes, sha256, labels } = facts
  const input = {
    name,
    mediaType,
    ...(id === undefined ? {} : { id }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(labels === undefined ? {} : { labels }),
  }
  const idempotency = idempotencyOf(call, json)
  if (source) {
    assertPublicUrl(call, source.url, '/source/url')
    const fetched = { ...input, url: source.url }
    return answerCreated(call, await createImport(services, tenant, fetched, idempotency, durabilityOf(call)), {}, 202)
  }
  const uploaded = { ...input, upload, partBytes, partChecksums }
  const made = await createAsset(services, tenant, uploaded, idempotency, durabilityOf(call))
  return answerCreated(call, made, { upload: made.upload }, 201)
}

async function createDirect(call: AnyCall, name: string | undefined, declared: string): Promise<Response> {
  const { tenant, c } = call
  if (name === undefined) {
    throw new CatamaranError(
      'invalid-request',
      'Name the asset: ?name=, X-Asset-Name, or Content-Disposition with a filename.',
    )
  }
  const mediaType = validate(mediaTypeSchema, declared || 'application/octet-stream', 'header')
  const bytes = await readBytes(
    c.req.raw,
    directBytesMax,
    ' Create the asset with JSON to upload more, straight to the store.',
  )
  const id = createdIdOf(call, 'assets')
  const input = { name, mediaType, ...(id === undefined ? {} : { id }) }
  const print: Json = { name, mediaType, sha256: sha256Hex(bytes) }
  const made = await createAssetFromBytes(tracedServices(call), tenant, input, bytes, idempotencyOf(call, print))
  return answerCreated(call, made, {}, 202)
}

function answerCreated(
  call: AnyCall,
  { asset, replayed, durability }: Created,
  more: object,
  status: 201 | 202,
): Response {
  const location = `${call.api.options.publicUrl}/v1/assets/${asset.id}`
  const seen = [asset.vector]
  const options = { status: replayed ? 200 : status, location, replayed, durability, etag: asset.etag, seen } as const
  return answer(call, { asset: viewOfAsset(asset), ...more }, options)
}
