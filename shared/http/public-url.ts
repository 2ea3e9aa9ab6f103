import { CatamaranError, isCatamaranError } from '../domain/errors.ts'
import { publicUrl } from '../adapters/public-address.ts'
import type { AnyCall } from './route.ts'

/** Throws `invalid-request` with the place, for an address that the site would not go to. */
export function assertPublicUrl(call: AnyCall, url: string, pointer: string): void {
  try {
    publicUrl(url, { allowPrivate: call.api.options.allowPrivateAddresses ?? false })
  } catch (error) {
    const detail = isCatamaranError(error) ? error.message : 'It is not a URL'
    throw new CatamaranError('invalid-request', detail, { errors: [{ pointer, detail }] })
  }
}
