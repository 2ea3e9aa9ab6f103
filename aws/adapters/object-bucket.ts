import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import { areaOf } from '../../shared/adapters/object-path.ts'
import type { Clock } from '../../shared/ports/clock.ts'

export interface ObjectStoreOptions {
  /** Made with `s3ClientSettings`. */
  readonly client: S3Client
  /** Holds the keys `uploads/...` and `drop/...`. */
  readonly uploadsBucket: string
  /** Holds the keys `objects/...`. */
  readonly objectsBucket: string
  readonly clock?: Clock
  /** Above this many bytes a copy goes by parts; S3 takes no more in one piece. */
  readonly copyBytesMax?: number
  /** The bytes of such a part. */
  readonly copyPartBytes?: number
}

/** Checksums only where they are asked for: else presigned URLs would carry one that a browser cannot know. */
export const s3ClientSettings = {
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
} as const satisfies S3ClientConfig

/** Bytes that pass through here are sent with one all the same. */
export const checksum = { ChecksumAlgorithm: 'CRC32' } as const

/** Where a key is kept: the bucket of its area, under its whole key. Throws `invalid-request` for a bad key. */
export const placeOf = ({ uploadsBucket, objectsBucket }: ObjectStoreOptions, key: string) => ({
  Bucket: areaOf(key) === 'objects' ? objectsBucket : uploadsBucket,
  Key: key,
})
