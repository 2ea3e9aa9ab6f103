import * as z from '../zod.ts'

export const tableNameSchema = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'Small letters, digits and underscores, up to 63 of them.')

export const storeSchema = z
  .string()
  .max(500)
  .regex(/^(s3|https|abfss|file):\/\/[A-Za-z0-9._@/-]+[A-Za-z0-9._-]$/, 'A URL without a slash at its end.')
  .openapi({ description: 'Where the objects lie.', example: 's3://my-objects-bucket' })
