import * as z from '../zod.ts'
import { idSchema, jsonObjectSchema, jsonSchema, pageOf, stampSchema, timeSchema } from './common.ts'

export const recordSchema = z
  .object({
    id: idSchema,
    collection: z.string(),
    version: stampSchema,
    etag: z.string(),
    createdAt: timeSchema,
    updatedAt: timeSchema,
    deleted: z.boolean(),
    body: jsonObjectSchema.nullable().openapi({ description: 'What the client wrote; null when deleted.' }),
  })
  .openapi('Record')

export type RecordView = z.infer<typeof recordSchema>

export const recordPageSchema = pageOf(recordSchema).openapi('RecordPage')

export const batchLineSchema = z
  .discriminatedUnion('op', [
    z.strictObject({
      op: z.literal('put'),
      id: idSchema,
      body: jsonObjectSchema,
      ifMatch: z.string().optional(),
      ifNoneMatch: z.literal('*').optional(),
    }),
    z.strictObject({ op: z.literal('patch'), id: idSchema, body: jsonObjectSchema, ifMatch: z.string().optional() }),
    z.strictObject({ op: z.literal('delete'), id: idSchema, ifMatch: z.string().optional() }),
  ])
  .openapi('BatchLine')

export type BatchLine = z.infer<typeof batchLineSchema>

export const batchAnswerSchema = z
  .object({
    line: z.number().int().openapi({ description: 'From 1.' }),
    status: z.number().int(),
    id: z.string().optional(),
    version: z.string().optional(),
    etag: z.string().optional(),
    replayed: z.literal(true).optional(),
    problem: z.record(z.string(), z.unknown()).optional(),
  })
  .openapi('BatchAnswerLine')

export const restoreSchema = z.strictObject({ version: stampSchema.optional() }).openapi('Restore')

export const changesSchema = z
  .object({
    items: z.array(recordSchema),
    cursor: z
      .string()
      .openapi({ description: 'Go on from here, at either site; keep it also when there were no items.' }),
  })
  .openapi('Changes')

const pointerSchema = z
  .string()
  .max(4096)
  .regex(/^(\/([^~]|~[01])*)?$/, 'It must be a JSON Pointer.')
  .openapi({ description: 'A JSON Pointer (RFC 6901) into the body; the empty one is the body itself.' })

const lostFieldSchema = z
  .object({
    path: pointerSchema,
    value: jsonSchema.optional().openapi({ description: 'Absent when the losing write had removed what was there.' }),
  })
  .openapi('LostField')

export const conflictSchema = z
  .object({
    id: z.string(),
    collection: z.string(),
    recordId: z.string(),
    version: z.string(),
    deleted: z.boolean().openapi({ description: 'The losing write was a delete.' }),
    body: jsonObjectSchema.nullable(),
    fields: z.array(lostFieldSchema).optional().openapi({
      description:
        'In a collection that merges by field: what lost, while the rest of the write may stand. `body` is null then.',
    }),
    createdAt: timeSchema,
  })
  .openapi('Conflict')

const differenceSchema = z
  .object({
    path: pointerSchema,
    now: jsonSchema.optional().openapi({ description: 'What the record has there; absent when nothing.' }),
    lost: jsonSchema.optional().openapi({ description: 'What restoring would put there; absent when nothing.' }),
  })
  .openapi('FieldDifference')

export const diffedConflictSchema = conflictSchema
  .extend({
    record: z
      .object({ version: stampSchema, etag: z.string(), deleted: z.boolean() })
      .nullable()
      .openapi({ description: 'The record as it is now.' }),
    diff: z.array(differenceSchema),
  })
  .openapi('DiffedConflict')

export const restoreFieldsSchema = z
  .strictObject({ fields: z.array(pointerSchema).min(1).max(100).optional() })
  .openapi('RestoreFields')
