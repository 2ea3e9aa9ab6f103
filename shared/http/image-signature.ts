import { paramsText, type ImageParams } from '../domain/image-params.ts'
import { exactBytes, type Signing } from './signing.ts'

/** What a signature lets its holder see: one image in one way, until a time. */
export interface SignedImage {
  readonly tenant: string
  readonly asset: string
  /** The parameters are those that the preset has when it is asked for. */
  readonly preset?: string | undefined
  readonly params: ImageParams
  /** Seconds since 1970. */
  readonly expires: number
  /** Which of the tenant's keys: what it signed ends when it is revoked. */
  readonly key: string
}

const signedText = ({ tenant, asset, preset = '', params, expires, key }: SignedImage): string =>
  JSON.stringify([tenant, asset, preset, paramsText(params), expires, key])

/** Whether either site signed just this image. */
export function isImageSignature(signing: Signing, image: SignedImage, signature: string): boolean {
  const bytes = exactBytes(signature)
  return bytes !== undefined && signing.verify('image', signedText(image), bytes)
}

/** Path and query of a signed image. */
export function signedImagePath(signing: Signing, image: SignedImage): string {
  const { tenant, asset, preset, params, expires, key } = image
  const path = preset === undefined ? asset : `${asset}/${preset}`
  const signature = signing.sign('image', signedText(image)).toString('base64url')
  const access = { tenant, key, expires: String(expires), signature }
  const query = [paramsText(params), new URLSearchParams(access).toString()].filter(Boolean).join('&')
  return `/v1/images/${path}?${query}`
}
