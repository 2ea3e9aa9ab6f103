import * as z from '../zod.ts'
import type { AssetView } from '../../core/asset-view.ts'
import { listAssets } from '../../core/asset-list.ts'
import { deleteAsset, getAsset, patchAsset, restoreAsset } from '../../core/assets.ts'
import type { WriteOptions } from '../../core/records.ts'
import { CatamaranError, hasCode } from '../../domain/errors.ts'
import type { Api } from '../api.ts'
import { afterOf, answer, answerPage, noContent, writeOptionsOf, type AnswerOptions } from '../answer.ts'
import { patchTypes, route, type AnyCall } from '../route.ts'
import { assetIdSchema, assetPageSchema, assetSchema, assetStatuses } from '../schemas/assets.ts'
import { cursorParam, flagParam, integerParam, jsonObjectSchema } from '../schemas/common.ts'

export const assetTag = 'Assets'
export const assetPath = '/v1/assets/{id}'
export const assetParams = z.strictObject({ id: assetIdSchema })
const shown = { description: 'The asset as it is now.', schema: assetSchema, headers: ['ETag', 'Catamaran-Session'] }
const writtenHeaders = ['Catamaran-Session', 'Idempotency-Replayed', 'Preference-Applied']
const written = { ...shown, headers: ['ETag', ...writtenHeaders] }

export function addAssetRoutes(api: Api): void {
  addList(api)
  addRead(api)
  addPatch(api)
  addDelete(api)
  addRestore(api)
}

/** Times are shown once, as text; what was seen goes into the session. */
export function viewOfAsset(view: AssetView): Omit<AssetView, 'createdMs' | 'updatedMs' | 'vector'> {
  const { createdMs: _created, updatedMs: _updated, vector: _vector, ...rest } = view
  return rest
}

export const noSuchAsset = (): CatamaranError => new CatamaranError('not-found', 'There is no such asset.')

function addList(api: Api): void {
  const definition = {
    method: 'get',
    path: '/v1/assets',
    operationId: 'listAssets',
    tag: assetTag,
    summary: 'List assets',
    description: 'A filtered page may hold fewer items than its limit, even none, and still have a next.',
    scope: 'assets:read',
    query: z.strictObject({
      limit: integerParam(1, 100, 50, 'The most assets of a page.'),
      cursor: cursorParam,
      status: z.enum(assetStatuses).optional(),
      kind: z.enum(['image', 'video', 'audio', 'data', 'document', 'other']).optional(),
      mediaType: z.string().max(127).optional(),
      namePrefix: z.string().max(255).optional(),
      deleted: flagParam('Show the deleted assets instead.'),
    }),
    requestHeaders: ['Catamaran-Session'],
    responses: { 200: { description: 'A page.', schema: assetPageSchema, headers: ['Link', 'Catamaran-Session'] } },
  } as const
  route(api, definition, async (call) => {
    const { limit, cursor, deleted, ...rest } = call.query
    const filters = { ...withoutUndefined(rest), ...(deleted ? { deleted } : {}) }
    const scope = ['assets', call.tenant, filters]
    const page = { after: afterOf(call, scope, cursor), limit }
    const { items, next } = await listAssets(call.services, call.tenant, filters, page, { session: call.session })
    const seen = items.map((view) => view.vector)
    return answerPage(call, scope, { items: items.map(viewOfAsset), next, afterOf: (view) => view.id, seen })
  })
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

const withoutUndefined = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>

function addRead(api: Api): void {
  const definition = {
    method: 'get',
    path: assetPath,
    operationId: 'getAsset',
    tag: assetTag,
    summary: 'Read an asset',
    scope: 'assets:read',
    params: assetParams,
    requestHeaders: ['If-None-Match', 'Catamaran-Session'],
    responses: { 200: shown, 304: { description: 'The client has it.' } },
  } as const
  route(api, definition, async (call) => {
    const view = await getAsset(
      call.services,
      call.tenant,
      call.params.id,
      call.session ? { session: call.session } : {},
    )
    if (!view) throw noSuchAsset()
    return answerAsset(call, view)
  })
}

/**
 * Progress and the whereabouts of the bytes are not under the ETag, which is the same at both sites: while they move, the
 * client is always sent the whole view.
 */
export function answerAsset(
  call: AnyCall,
  view: AssetView,
  options: Pick<AnswerOptions, 'status' | 'replayed' | 'durability'> = {},
): Response {
  const moving = view.progress !== undefined || !view.bytesHere
  const seen = [view.vector]
  const response = answer(call, viewOfAsset(view), { ...options, seen, ...(moving ? {} : { etag: view.etag }) })
  if (moving) response.headers.set('etag', view.etag)
  return response
}

function addPatch(api: Api): void {
  const definition = {
    method: 'patch',
    path: assetPath,
    operationId: 'patchAsset',
    tag: assetTag,
    summary: 'Change an asset',
    description: 'A JSON Merge Patch (RFC 7396) on `name` and `labels`.',
    scope: 'assets:write',
    params: assetParams,
    body: { schema: jsonObjectSchema, mediaTypes: patchTypes },
    requestHeaders: ['If-Match', 'Idempotency-Key', 'Prefer', 'Catamaran-Session'],
    responses: { 200: written },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, params, body } = call
    const options = writeOptionsOf(call, body, { required: true, mayCreate: false })
    const { replayed, durability, ...view } = await withCurrent(call, params.id, () =>
      patchAsset(services, tenant, params.id, body, options),
    )
    return answerAsset(call, view, { replayed, durability })
  })
}

/** An asset's ETag covers two records, so a failed precondition is told with the asset's, not the record's. */
async function withCurrent<T>(call: AnyCall, id: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!hasCode(error, 'precondition-failed')) throw error
    const current = await getAsset(call.services, call.tenant, id)
    throw new CatamaranError('precondition-failed', 'The asset has changed since you read it; read it again.', {
      current,
    })
  }
}

function addDelete(api: Api): void {
  const definition = {
    method: 'delete',
    path: assetPath,
    operationId: 'deleteAsset',
    tag: assetTag,
    summary: 'Delete an asset',
    description: 'It can be restored; only a purge erases.',
    scope: 'assets:write',
    params: assetParams,
    requestHeaders: ['If-Match', 'Idempotency-Key', 'Prefer', 'Catamaran-Session'],
    responses: { 204: { description: 'Deleted.', headers: writtenHeaders } },
  } as const
  route(api, definition, async (call) => {
    const options = writeOptionsOf(call, undefined, { required: true, mayCreate: false })
    const { id } = call.params
    const { record, replayed, durability } = await withCurrent(call, id, () =>
      deleteAsset(call.services, call.tenant, id, options),
    )
    return noContent(call, { replayed, durability, seen: [record.vector] })
  })
}

function addRestore(api: Api): void {
  const definition = {
    method: 'post',
    path: `${assetPath}/restore`,
    operationId: 'restoreAsset',
    tag: assetTag,
    summary: 'Bring back a deleted asset',
    scope: 'assets:write',
    params: assetParams,
    requestHeaders: ['Idempotency-Key', 'Prefer', 'Catamaran-Session'],
    responses: { 200: written },
  } as const
  route(api, definition, async (call) => {
    const options: WriteOptions = writeOptionsOf(call, undefined, { required: false, mayCreate: false })
    const restored = await restoreAsset(call.services, call.tenant, call.params.id, options)
    const { replayed, durability, ...view } = restored
    return answerAsset(call, view, { replayed, durability })
  })
}
