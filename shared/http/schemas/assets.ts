import * as z from '../zod.ts'
import { analysisSchema } from './analysis.ts'
import { jsonObjectSchema, pageOf, timeSchema } from './common.ts'

export const assetIdSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,57}$/,
    'Small letters, digits and hyphens, 1 to 58 of them, not beginning with a hyphen.',
  )
  .openapi({ example: '01j9zq3v8k5t2m4n6p7r8s9w0x' })

/** Up to 1,024 bytes, as the path of a dropped file may have; the core says what else is allowed. */
export const assetNameSchema = z.string().min(1).max(1024)

export const mediaTypeSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9!#$&^_.+-]{1,63}\/[A-Za-z0-9!#$&^_.+-]{1,63}$/,
    'A media type without parameters, such as image/jpeg.',
  )

export const assetStatuses = ['awaiting-upload', 'uploaded', 'processing', 'ready', 'failed'] as const

const labelsSchema = z.record(z.string(), z.string()).openapi({ example: { project: 'spring' } })

export const createAssetSchema = z
  .strictObject({
    id: assetIdSchema.optional(),
    name: assetNameSchema,
    mediaType: mediaTypeSchema,
    bytes: z.number().int().min(0).optional(),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, '64 small hexadecimal digits.')
      .optional(),
    labels: labelsSchema.optional(),
    source: z
      .strictObject({ url: z.string().min(1).max(2_048) })
      .optional()
      .openapi({ description: 'The bytes are fetched from this https address; there is nothing to upload then.' }),
    upload: z.enum(['single', 'multipart']).default('single'),
    partChecksums: z.enum(['crc64nvme']).optional().openapi({
      description:
        'The CRC of every part is said when it is to be signed; the store refuses other bytes, and what arrived tells it.',
    }),
    partBytes: z.number().int().min(1).optional().openapi({
      description:
        'For a client that cuts the file itself: of each part but the last, at least 5 MiB. Chosen here when absent.',
    }),
  })
  .openapi('CreateAsset')

const renditionSchema = z
  .object({
    name: z.string(),
    mediaType: z.string(),
    bytes: z.number().int(),
    sha256: z.string(),
    properties: jsonObjectSchema,
  })
  .openapi('Rendition')

export const assetSchema = z
  .object({
    id: assetIdSchema,
    name: z.string(),
    status: z.enum(assetStatuses),
    source: z.object({ kind: z.enum(['upload', 'inline', 'drop', 'import', 'export']), path: z.string().optional() }),
    mediaType: z.string().openapi({ description: 'The true type once known, until then the declared one.' }),
    kind: z.string().optional(),
    bytes: z.number().int().optional(),
    sha256: z.string().optional(),
    labels: labelsSchema,
    properties: jsonObjectSchema,
    analysis: analysisSchema.optional(),
    renditions: z.array(renditionSchema),
    rows: z.object({ collection: z.string(), count: z.number().int(), errors: z.number().int() }).optional(),
    progress: z.number().min(0).max(1).optional(),
    error: z.object({ code: z.string(), detail: z.string() }).optional(),
    createdAt: timeSchema,
    updatedAt: timeSchema,
    etag: z.string(),
    deleted: z.boolean(),
    bytesHere: z
      .boolean()
      .openapi({ description: 'Whether this site holds the bytes; if not, content comes from the other.' }),
  })
  .openapi('Asset')

export const assetPageSchema = pageOf(assetSchema).openapi('AssetPage')

const requestSchema = z
  .object({
    method: z.enum(['GET', 'PUT']),
    url: z.string(),
    headers: z.record(z.string(), z.string()).openapi({ description: 'To be sent along.' }),
    expiresAtMs: z.number().int(),
  })
  .openapi('PresignedRequest')

const partSchema = z
  .object({
    part: z.number().int(),
    bytes: z.number().int(),
    etag: z.string(),
    crc64nvme: z.string().optional().openapi({ description: '16 hex digits, where parts have checksums.' }),
  })
  .openapi('UploadedPart')

export const uploadPlanSchema = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('single'), site: z.string(), request: requestSchema }),
    z.object({
      kind: z.literal('multipart'),
      site: z.string(),
      partBytes: z.number().int(),
      parts: z.number().int(),
      arrived: z.array(partSchema),
      requests: z.array(z.object({ part: z.number().int(), request: requestSchema })),
    }),
    z.object({ kind: z.literal('done'), site: z.string() }),
  ])
  .openapi('UploadPlan')

export const createdAssetSchema = z
  .object({ asset: assetSchema, upload: uploadPlanSchema.optional() })
  .openapi('CreatedAsset')
