import * as z from '../zod.ts'
import { recordVersion, recordVersions } from '../../core/record-history.ts'
import { restoreRecord } from '../../core/records.ts'
import { CatamaranError } from '../../domain/errors.ts'
import type { Api } from '../api.ts'
import { afterOf, answer, answerPage, writeOptionsOf } from '../answer.ts'
import { clientKey, viewOfRecord } from '../record-view.ts'
import { jsonTypes, route } from '../route.ts'
import { cursorParam, integerParam, stampSchema } from '../schemas/common.ts'
import { recordPageSchema, recordSchema, restoreSchema } from '../schemas/records.ts'
import { answerWritten, recordParams, recordPath, written } from './records.ts'

const tag = 'Records'

export function addRecordVersionRoutes(api: Api): void {
  addList(api)
  addRead(api)
  addRestore(api)
}

function addList(api: Api): void {
  const definition = {
    method: 'get',
    path: `${recordPath}/versions`,
    operationId: 'listRecordVersions',
    tag,
    summary: 'List the versions of a record',
    description: 'Newest first, deletions included, as far as this site remembers (90 days).',
    scope: 'records:read',
    params: recordParams,
    query: z.strictObject({ limit: integerParam(1, 100, 20, 'The most versions of a page.'), cursor: cursorParam }),
    responses: { 200: { description: 'A page.', schema: recordPageSchema, headers: ['Link'] } },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, params, query } = call
    const key = clientKey(tenant, params)
    const scope = ['versions', tenant, params.collection, params.id]
    const page = { after: afterOf(call, scope, query.cursor), limit: query.limit }
    const { items, next } = await recordVersions(services, key, page)
    if (items.length === 0 && page.after === undefined)
      throw new CatamaranError('not-found', 'There is no such record.')
    const afterVersion = (view: { version: string }): string => view.version
    return answerPage(call, scope, { items: items.map(viewOfRecord), next, afterOf: afterVersion })
  })
}

function addRead(api: Api): void {
  const definition = {
    method: 'get',
    path: `${recordPath}/versions/{version}`,
    operationId: 'getRecordVersion',
    tag,
    summary: 'Read one version of a record',
    scope: 'records:read',
    params: recordParams.extend({ version: stampSchema }),
    requestHeaders: ['If-None-Match'],
    responses: {
      200: { description: 'The record as it was.', schema: recordSchema, headers: ['ETag'] },
      304: { description: 'The client has it.' },
    },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, params } = call
    const state = await recordVersion(services, clientKey(tenant, params), params.version)
    if (!state) throw new CatamaranError('not-found', 'There is no such version.')
    const view = viewOfRecord(state)
    return answer(call, view, { etag: view.etag })
  })
}

function addRestore(api: Api): void {
  const definition = {
    method: 'post',
    path: `${recordPath}/restore`,
    operationId: 'restoreRecord',
    tag,
    summary: 'Bring back a version',
    description: 'Writes an older version again; without `version`, the last that was not deleted.',
    scope: 'records:write',
    params: recordParams,
    body: { schema: restoreSchema, mediaTypes: jsonTypes, optional: true },
    requestHeaders: ['If-Match', 'Idempotency-Key', 'Prefer', 'Catamaran-Session'],
    responses: { 200: written, 201: { ...written, description: 'Restored after a deletion.' } },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, params, body } = call
    const version = body?.version
    const options = writeOptionsOf(call, { version: version ?? null }, { required: false, mayCreate: false })
    return answerWritten(call, await restoreRecord(services, clientKey(tenant, params), version, options))
  })
}
