import * as z from '../zod.ts'
import { readAssetPair } from '../../core/asset-view.ts'
import { readProfileChecks, requestProfileCheck } from '../../core/profile-check.ts'
import type { Api } from '../api.ts'
import { answer } from '../answer.ts'
import { route, tracedServices } from '../route.ts'
import { assetParams, assetPath, assetTag, noSuchAsset } from './assets.ts'

const checkSchema = z
  .object({
    site: z.string().openapi({ description: 'The site that made the profile again, from the records that it holds.' }),
    version: z.string(),
    state: z.enum(['waiting', 'done']),
    rows: z.number().int().optional(),
    sha256: z.string().optional().openapi({ description: 'Of the profile as it came out there.' }),
    equal: z
      .boolean()
      .optional()
      .openapi({ description: 'Whether it is, byte by byte, the profile that was made from the file.' }),
  })
  .openapi('ProfileCheck')

const path = `${assetPath}/profile-checks`

export function addProfileCheckRoutes(api: Api): void {
  const begin = {
    method: 'post',
    path,
    operationId: 'checkProfile',
    tag: assetTag,
    summary: 'Profile the rows again at this site',
    description:
      'The site that is asked reads the records that it holds of a data file and makes the profile anew, in the background. It equals the profile of the file when all rows are there and none was edited.',
    scope: 'assets:write',
    params: assetParams,
    responses: { 202: { description: 'It will be made.', schema: checkSchema } },
  } as const
  route(api, begin, async (call) => {
    const { tenant, params } = call
    if (!(await readAssetPair(call.services, tenant, params.id)).asset) throw noSuchAsset()
    return answer(call, await requestProfileCheck(tracedServices(call), tenant, params.id), { status: 202 })
  })
  const read = {
    method: 'get',
    path,
    operationId: 'getProfileChecks',
    tag: assetTag,
    summary: 'What the sites found when they profiled the rows again',
    scope: 'assets:read',
    params: assetParams,
    responses: { 200: { description: 'The last of each site.', schema: z.object({ items: z.array(checkSchema) }) } },
  } as const
  route(api, read, async (call) => {
    const { services, tenant, params } = call
    if (!(await readAssetPair(services, tenant, params.id)).asset) throw noSuchAsset()
    return answer(call, { items: await readProfileChecks(services, tenant, params.id) })
  })
}
