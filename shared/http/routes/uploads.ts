import * as z from '../zod.ts'
import { completeUpload } from '../../core/assets.ts'
import { abandonUpload, uploadPlan } from '../../core/uploads.ts'
import type { Api } from '../api.ts'
import { answer, noContent } from '../answer.ts'
import { route, tracedServices } from '../route.ts'
import { assetSchema, uploadPlanSchema } from '../schemas/assets.ts'
import { answerAsset, assetParams, assetPath, assetTag } from './assets.ts'

const partsAskedMax = 100
const partMax = 10_000

/** `1-5,9` as numbers in ascending order. */
const partsParam = z
  .string()
  .max(2000)
  .regex(/^[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*$/, 'Numbers and ranges of parts, such as 1-5,9.')
  .transform((text, context) => {
    const parts = new Set<number>()
    for (const range of text.split(',')) {
      const [first = 0, last = first] = range.split('-').map(Number)
      const fits = first >= 1 && last >= first && last <= partMax && parts.size + last - first < partsAskedMax
      if (!fits) {
        context.addIssue(`Parts run from 1 to ${partMax}; at most ${partsAskedMax} may be asked for at once.`)
        return z.NEVER
      }
      for (let part = first; part <= last; part++) parts.add(part)
    }
    return [...parts].sort((a, b) => a - b)
  })
  .openapi({ type: 'string', example: '1-5', description: 'The parts to sign requests for.' })

/** Checksums of the parts asked for, with commas between. */
const sumsParam = z
  .string()
  .max(1_700)
  .regex(/^[0-9a-f]{16}(,[0-9a-f]{16})*$/, '16 small hex digits for each part, with commas between.')
  .transform((text) => text.split(','))
  .openapi({
    type: 'string',
    description: 'Where parts have checksums: the CRC-64/NVME of each part asked for, in ascending order of part.',
  })

export function addUploadRoutes(api: Api): void {
  const plan = {
    method: 'get',
    path: `${assetPath}/upload`,
    operationId: 'getUpload',
    tag: assetTag,
    summary: 'How to go on with an upload',
    description:
      'Which parts have arrived, and freshly signed requests for the parts asked for. An upload is finished at the site that began it.',
    scope: 'assets:write',
    params: assetParams,
    query: z.strictObject({ parts: partsParam.optional(), crc64nvme: sumsParam.optional() }),
    responses: { 200: { description: 'The plan.', schema: uploadPlanSchema } },
  } as const
  route(api, plan, async (call) => {
    const { parts, crc64nvme: crcs } = call.query
    const asked = { ...(parts ? { parts } : {}), ...(crcs ? { crcs } : {}) }
    return answer(call, await uploadPlan(call.services, call.tenant, call.params.id, asked))
  })
  addEnd(api)
}

function addEnd(api: Api): void {
  const complete = {
    method: 'post',
    path: `${assetPath}/complete`,
    operationId: 'completeUpload',
    tag: assetTag,
    summary: 'Say that all bytes are there',
    description: 'Joins the parts and starts the processing. Safe to repeat.',
    scope: 'assets:write',
    params: assetParams,
    responses: {
      200: { description: 'Processed already.', schema: assetSchema, headers: ['ETag'] },
      202: { description: 'It will be processed.', schema: assetSchema, headers: ['ETag'] },
    },
  } as const
  route(api, complete, async (call) => {
    const view = await completeUpload(tracedServices(call), call.tenant, call.params.id)
    return answerAsset(call, view, { status: view.status === 'ready' || view.status === 'failed' ? 200 : 202 })
  })
  const abandon = {
    method: 'delete',
    path: `${assetPath}/upload`,
    operationId: 'abandonUpload',
    tag: assetTag,
    summary: 'Give an upload up',
    description: 'Throws away the parts that have arrived. Safe to repeat.',
    scope: 'assets:write',
    params: assetParams,
    responses: { 204: { description: 'Given up.' } },
  } as const
  route(api, abandon, async (call) => {
    await abandonUpload(call.services, call.tenant, call.params.id)
    return noContent(call)
  })
}
