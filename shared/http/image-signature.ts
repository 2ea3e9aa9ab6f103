import { createHmac, timingSafeEqual } from 'node:crypto'
import { paramsText, type ImageParams } from '../domain/image-params.ts'

/** What a signature lets its holder see: one image in one way, until a time. */
export interface SignedImage {
  readonly tenant: string
  readonly asset: string
  /** The parameters are those that the preset has when it is asked for. */
  readonly preset?: string | undefined
  readonly params: ImageParams
  /** Seconds since 1970. */
  readonly expires: number
  /** Which of the tenant's keys. */
  readonly key: string
}

/**
 * HMAC-SHA256 over all of it, in base64url. The key is derived from the secret that both sites share, the tenant and the key's
 * id, so that it is stored nowhere and is the same at both.
 */
export function imageSignature(secret: Uint8Array, image: SignedImage): string {
  const { tenant, asset, preset = '', params, expires, key } = image
  const derived = createHmac('sha256', secret)
    .update(JSON.stringify(['image-key', tenant, key]))
    .digest()
  const text = JSON.stringify(['image-1', tenant, asset, preset, paramsText(params), expires])
  return createHmac('sha256', derived).update(text).digest('base64url')
}

export function isImageSignature(secret: Uint8Array, image: SignedImage, signature: string): boolean {
  const [given, expected] = [Buffer.from(signature), Buffer.from(imageSignature(secret, image))]
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** Path and query of a signed image. */
export function signedImagePath(secret: Uint8Array, image: SignedImage): string {
  const { tenant, asset, preset, params, expires, key } = image
  const path = preset === undefined ? asset : `${asset}/${preset}`
  const access = { tenant, key, expires: String(expires), signature: imageSignature(secret, image) }
  const query = [paramsText(params), new URLSearchParams(access).toString()].filter(Boolean).join('&')
  return `/v1/images/${path}?${query}`
}
