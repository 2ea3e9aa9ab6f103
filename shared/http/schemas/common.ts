import * as z from '../zod.ts'
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts'
import { pageItemsMax } from '../../domain/limits.ts'
import { isStamp, type Stamp } from '../../domain/stamp.ts'

export const idBytesMax = 256

/** A JSON object of any shape. It has passed the strict parser, so it is not copied again. */
export const jsonObjectSchema = z
  .custom<JsonObject>(isJsonObject, 'A JSON object is needed.')
  .openapi({ type: 'object', additionalProperties: true })

/** Any JSON value, which has passed the strict parser. */
export const jsonSchema = z
  .custom<Json>(() => true)
  .openapi({ type: ['object', 'array', 'string', 'number', 'boolean', 'null'] })

/**
 * An id that survives both clouds' front doors unchanged: up to 256 bytes of UTF-8 without control characters, slashes,
 * or space at either end, and not a dot segment.
 */
export const idSchema = z
  .string()
  .min(1)
  .refine((id) => Buffer.byteLength(id) <= idBytesMax, `It may hold at most ${idBytesMax} bytes.`)
  .refine(
    (id) => id.isWellFormed() && !/[\p{Cc}\u2028\u2029/\\]/u.test(id),
    'Control characters and slashes are not allowed.',
  )
  .refine(
    (id) => id === id.trim() && id !== '.' && id !== '..',
    'It must not begin or end with space, nor be a dot segment.',
  )
  .openapi({ type: 'string', minLength: 1, maxLength: idBytesMax, example: 'invoice-2026-0001' })

export const nameSchema = z
  .string()
  .min(1)
  .max(255)
  .refine((name) => name.isWellFormed() && !/[\p{Cc}]/u.test(name), 'Control characters are not allowed.')

export const stampSchema = z
  .custom<Stamp>(isStamp, 'It must be a version, as answers show it.')
  .openapi({ type: 'string', example: '019ae5c1b2f0.0000.1f2e3d4c.aws' })

export const cursorParam = z
  .string()
  .min(1)
  .max(4096)
  .optional()
  .openapi({ description: 'The cursor of the page before.' })

/** A whole number in the query. */
export const integerParam = (minimum: number, maximum: number, fallback: number, description: string) =>
  z
    .string()
    .regex(/^[0-9]{1,9}$/, 'It must be a whole number.')
    .transform(Number)
    .pipe(z.number().min(minimum).max(maximum))
    .default(fallback)
    .openapi({ type: 'integer', minimum, maximum, default: fallback, description })

export const limitParam = integerParam(
  1,
  pageItemsMax,
  100,
  'The most items of a page; a page may hold fewer and still have a next.',
)

export const flagParam = (description: string) =>
  z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .openapi({ type: 'boolean', default: false, description })

export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().openapi({ description: 'The cursor of the next page, null on the last.' }),
  })

export const timeSchema = z.iso.datetime()

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string().openapi({ description: 'Stable; the other texts may vary.' }),
    instance: z.string().optional(),
    errors: z
      .array(z.object({ pointer: z.string(), in: z.string().optional(), detail: z.string() }))
      .optional()
      .openapi({ description: 'Each fault with its place, an RFC 6901 pointer.' }),
  })
  .openapi('Problem')

/** Any JSON object, where the shape is the system's own report. */
export const reportSchema = z.record(z.string(), z.unknown()).openapi({ type: 'object', additionalProperties: true })
