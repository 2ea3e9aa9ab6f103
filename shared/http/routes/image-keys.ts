import * as z from '../zod.ts'
import { addImageKey, currentImageKey, listImageKeys, revokeImageKey } from '../../core/image-keys.ts'
import { getAsset } from '../../core/assets.ts'
import type { ImageParams } from '../../domain/image-params.ts'
import type { Api } from '../api.ts'
import { answer, noContent } from '../answer.ts'
import { signedImagePath } from '../image-signature.ts'
import { jsonTypes, route } from '../route.ts'
import { assetIdSchema } from '../schemas/assets.ts'
import { timeSchema } from '../schemas/common.ts'
import { imageParamsSchema, presetNameSchema } from '../schemas/images.ts'
import { noSuchAsset } from './assets.ts'

const tag = 'Images'
const expirySecondsMax = 366 * 86_400
const imagesMax = 100

const keySchema = z
  .object({ id: z.string(), createdAt: timeSchema, revokedAt: timeSchema.optional() })
  .openapi('ImageKey')

export function addImageKeyRoutes(api: Api): void {
  addSign(api)
  addKeys(api)
}

function addSign(api: Api): void {
  const wanted = z.union([z.strictObject({ preset: presetNameSchema }), z.strictObject({ params: imageParamsSchema })])
  const definition = {
    method: 'post',
    path: '/v1/image-urls',
    operationId: 'signImageUrls',
    tag,
    summary: 'Sign URLs of images',
    description:
      'Each URL shows one image in one way until it expires, at either site, without a key: for pages and mails. It is signed with the newest key for images.',
    scope: 'images:sign',
    body: {
      schema: z
        .strictObject({
          asset: assetIdSchema,
          images: z.array(wanted).min(1).max(imagesMax),
          expiresInSeconds: z.number().int().min(1).max(expirySecondsMax).default(86_400),
        })
        .openapi('SignImageUrls'),
      mediaTypes: jsonTypes,
    },
    responses: {
      200: {
        description: 'One URL for each, in their order.',
        schema: z.object({ items: z.array(z.object({ url: z.string(), expiresAt: timeSchema })) }).openapi('ImageUrls'),
      },
    },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, body } = call
    const { signing, publicUrl } = call.api.options
    if (!(await getAsset(services, tenant, body.asset))) throw noSuchAsset()
    const key = await currentImageKey(services, tenant)
    const expires = Math.ceil(services.clock.now() / 1000) + body.expiresInSeconds
    const items = body.images.map((image) => {
      const preset = 'preset' in image ? image.preset : undefined
      const params = 'params' in image ? (image.params as ImageParams) : {}
      const path = signedImagePath(signing, { tenant, asset: body.asset, preset, params, expires, key })
      return { url: `${publicUrl}${path}`, expiresAt: new Date(expires * 1000).toISOString() }
    })
    return answer(call, { items })
  })
}

function addKeys(api: Api): void {
  const shared = { tag, scope: 'keys:write', path: '/v1/image-keys' } as const
  const list = {
    ...shared,
    method: 'get',
    operationId: 'listImageKeys',
    summary: 'List the keys that sign images',
    responses: { 200: { description: 'All of them.', schema: z.object({ items: z.array(keySchema) }) } },
  } as const
  route(api, list, async (call) => answer(call, { items: await listImageKeys(call.services, call.tenant) }))
  const add = {
    ...shared,
    method: 'post',
    operationId: 'addImageKey',
    summary: 'Change the key that signs images',
    description:
      'The new one signs from now on. What the others signed stays good until it expires or they are revoked.',
    responses: { 201: { description: 'Made.', schema: keySchema } },
  } as const
  route(api, add, async (call) => answer(call, await addImageKey(call.services, call.tenant), { status: 201 }))
  const revoke = {
    ...shared,
    method: 'delete',
    path: '/v1/image-keys/{key}',
    operationId: 'revokeImageKey',
    summary: 'Revoke a key that signs images',
    description: 'Every URL that it signed ends, at both sites within a minute. Safe to repeat.',
    params: z.strictObject({ key: z.string().regex(/^[0-9a-z]{1,20}$/) }),
    responses: { 204: { description: 'Revoked.' } },
  } as const
  route(api, revoke, async (call) => {
    await revokeImageKey(call.services, call.tenant, call.params.key)
    return noContent(call)
  })
}
