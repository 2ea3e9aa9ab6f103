import * as z from '../zod.ts'
import { isRevokedImageKey } from '../../core/image-keys.ts'
import { imageOf, presetOf, type ImageRequest } from '../../core/variants.ts'
import { CatamaranError, hasCode } from '../../domain/errors.ts'
import type { ImageParams } from '../../domain/image-params.ts'
import type { Api } from '../api.ts'
import { authenticate } from '../authenticate.ts'
import { isImageSignature } from '../image-signature.ts'
import { route, type AnyCall } from '../route.ts'
import { assetIdSchema } from '../schemas/assets.ts'
import { accessQuery, imageQuery, presetNameSchema } from '../schemas/images.ts'

/** A URL of the edge is good for longer than this, so a redirect may be kept that long. */
const redirectSeconds = 60

const tag = 'Images'
const responses = {
  307: { description: 'To the image at the CDN, in the format that was chosen.', headers: ['Location'] },
} as const
const shared = { method: 'get', tag, scope: 'public', responses } as const

type Access = z.output<typeof accessQuery>

export function addImageRoutes(api: Api): void {
  const variant = {
    ...shared,
    path: '/v1/images/{id}',
    operationId: 'getImage',
    summary: 'Show an image in any way',
    description:
      'Needs a signature of `/v1/image-urls`, or a key with the scope `images:sign`. Made when it is first asked for and stored; while that takes, the answer is 503 with Retry-After. Errors are never kept by caches.',
    params: z.strictObject({ id: assetIdSchema }),
    query: imageQuery,
  } as const
  route(api, variant, async (call) => {
    const { tenant, key, expires, signature, ...params } = call.query
    const access = { tenant, key, expires, signature }
    const asset = call.params.id
    const owner = await ownerOf(call, access, { asset, params: params as ImageParams }, 'images:sign')
    return show(call, { tenant: owner, asset, params: params as ImageParams, accept: call.c.req.header('accept') })
  })
  const preset = {
    ...shared,
    path: '/v1/images/{id}/{preset}',
    operationId: 'getPresetImage',
    summary: 'Show an image as a preset has it',
    description:
      'Needs a signature of `/v1/image-urls`, or a key with the scope `assets:read`, or neither when the policy makes its presets public: then `tenant` says whose. Otherwise like the image in any way.',
    params: z.strictObject({ id: assetIdSchema, preset: presetNameSchema }),
    query: accessQuery,
  } as const
  route(api, preset, async (call) => {
    const { id: asset, preset: name } = call.params
    const isOpen = call.query.signature === undefined && call.query.tenant !== undefined
    const tenant = isOpen
      ? (call.query.tenant ?? '')
      : await ownerOf(call, call.query, { asset, params: {}, preset: name }, 'assets:read')
    const { params, isPublic } = await presetOf(call.services, { tenant, asset, preset: name }).catch(
      (error: unknown): never => refuse(error, isOpen),
    )
    if (isOpen && !isPublic) throw notSigned()
    return show(call, { tenant, asset, params, preset: name, accept: call.c.req.header('accept') })
  })
}

const notSigned = (): CatamaranError =>
  new CatamaranError('unauthenticated', 'Sign the URL (POST /v1/image-urls), or send an API key.')

/** Without a key or a signature nobody learns what there is. */
function refuse(error: unknown, isOpen: boolean): never {
  throw isOpen && hasCode(error, 'not-found') ? notSigned() : error
}

/** Whose image it is: of whoever signed, or of the key. Throws `unauthenticated`, `forbidden`. */
async function ownerOf(
  { api, c, services }: AnyCall,
  { tenant, key, expires, signature }: Access,
  image: { readonly asset: string; readonly params: ImageParams; readonly preset?: string },
  scope: 'images:sign' | 'assets:read',
): Promise<string> {
  if (signature === undefined) return (await authenticate(api, c, scope)).tenant
  if (tenant === undefined || key === undefined || expires === undefined) throw notSigned()
  const signed = { ...image, tenant, key, expires }
  if (!isImageSignature(api.options.signing, signed, signature)) {
    throw new CatamaranError(
      'forbidden',
      'The signature is not that of this URL: have it signed again (POST /v1/image-urls).',
    )
  }
  if (services.clock.now() >= expires * 1000) throw new CatamaranError('forbidden', 'The URL has expired.')
  if (!(await isRevokedImageKey(services, tenant, key))) return tenant
  throw new CatamaranError('forbidden', 'The key that signed this URL was revoked.')
}

/** The format is in the address that this leads to, so caches behind it never mix formats up; this answer depends on Accept. */
async function show(call: AnyCall, request: ImageRequest): Promise<Response> {
  const { c, services } = call
  c.header('vary', 'Accept', { append: true })
  const { place } = await imageOf(services, request)
  c.header('location', place.url)
  if (place.kind === 'redirect') c.header('cache-control', `private, max-age=${redirectSeconds}`)
  return c.body(null, 307)
}
