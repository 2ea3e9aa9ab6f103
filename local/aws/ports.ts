export const portBaseDefault = 4500

export interface AwsPorts {
  readonly api: number
  readonly edge: number
  readonly s3: number
  readonly sqs: number
  readonly dynamodb: number
  readonly lambda: number
}

/** Where the local AWS side listens, all on 127.0.0.1. */
export const awsPorts = (base: number): AwsPorts => ({
  api: base + 10,
  edge: base + 11,
  s3: base + 12,
  sqs: base + 13,
  dynamodb: base + 14,
  lambda: base + 15,
})

export const localRegion = 'us-east-1'
export const localAccount = '000000000000'
export const localCredentials = { accessKeyId: 'local', secretAccessKey: 'local-secret' } as const
