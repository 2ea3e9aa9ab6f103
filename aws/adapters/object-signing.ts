import type { GetObjectCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { systemClock } from '../../shared/adapters/clock.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { calling } from './errors.ts'
import type { ObjectStoreOptions } from './object-bucket.ts'

const expirySecondsMax = 7 * 24 * 3_600

type Signable = GetObjectCommand | PutObjectCommand | UploadPartCommand

/** Signs URLs of single requests with Signature Version 4, in whole seconds. Throws `invalid-request` past seven days. */
export function urlSigner({ client, clock = systemClock }: ObjectStoreOptions) {
  return (command: Signable, expiresMs: number): Promise<string> => {
    const expiresIn = Math.ceil((expiresMs - clock.now()) / 1000)
    if (expiresIn < 1 || expiresIn > expirySecondsMax) {
      throw new CatamaranError('invalid-request', 'A URL can be signed for at most seven days')
    }
    return calling('signing a URL', () =>
      getSignedUrl(client, command, { expiresIn, signingDate: new Date(clock.now()) }),
    )
  }
}
