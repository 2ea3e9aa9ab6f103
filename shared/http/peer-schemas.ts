import * as z from 'zod'
import { keyDigitCount } from '../domain/hash.ts'
import { isJsonObject, type JsonObject } from '../domain/json.ts'
import { bucketCount } from '../domain/record.ts'
import { offerStatesMax, pageItemsMax } from '../domain/limits.ts'
import { isOrigin, type Origin } from '../domain/site.ts'
import { isStamp, type Stamp } from '../domain/stamp.ts'
import { newestStamp } from '../replication/vector.ts'

/** What the peer may say. It may be compromised, so nothing it sends is believed before it is checked. */
const stamp = z.custom<Stamp>(isStamp, 'not a stamp')
const originsMax = 16

/** One text for each origin. No record of zod's, which would drop an origin it finds odd. */
const byOrigin = <Value extends string>(isValue: (value: unknown) => boolean, message: string) =>
  z.custom<Readonly<Partial<Record<Origin, Value>>>>(
    (value) =>
      isJsonObject(value) &&
      Object.keys(value).length <= originsMax &&
      Object.entries(value).every(([origin, text]) => isOrigin(origin) && isValue(text)),
    message,
  )
const vector = byOrigin<Stamp>(isStamp, 'not a vector')
const printCharsMax = 64
const isPrint = (value: unknown): boolean => typeof value === 'string' && value.length <= printCharsMax
const name = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[a-z0-9_][a-z0-9_-]*$/)

export const recordKeySchema = z.object({ tenant: name, collection: name, id: z.string().min(1).max(256) })

const fieldEditsMax = 256
const placePattern = /^(\/([^~]|~[01])*)?$/

/** Places to stamps. No record of zod's, which would drop a place it finds odd. */
const edits = z.custom<Record<string, Stamp>>(
  (value) =>
    isJsonObject(value) &&
    Object.keys(value).length <= fieldEditsMax &&
    Object.entries(value).every(([place, at]) => placePattern.test(place) && isStamp(at)),
  'not a list of edits',
)
const fields = z.object({
  seen: vector,
  edits,
  buried: z.custom<JsonObject>(isJsonObject, 'not an object').optional(),
})

/** Unknown members are dropped, not refused: version N+1 may send more than version N knows. */
export const recordStateSchema = z
  .object({
    key: recordKeySchema,
    vector,
    stamp,
    deleted: z.boolean(),
    // The text was parsed as JSON already. A record of zod's would drop a member called __proto__.
    body: z.custom<JsonObject>(isJsonObject, 'not an object').nullable(),
    createdMs: z.number().int().nonnegative(),
    applied: z
      .array(z.object({ key: z.string().max(128), print: z.string().max(128), stamp }))
      .max(64)
      .optional(),
    overruled: byOrigin<string>(isPrint, 'not a list of prints').optional(),
    fields: fields.optional(),
  })
  .refine((state) => state.deleted || state.fields?.buried === undefined, 'only a tombstone has a body buried under it')
  .refine((state) => state.deleted === (state.body === null), 'a tombstone has no body, and nothing else lacks one')
  .refine((state) => state.stamp === newestStamp(state.vector), 'the stamp is not the newest of the vector')

export const offerSchema = z.object({ states: z.array(z.unknown()).max(offerStatesMax) })
export const keysSchema = z.object({ keys: z.array(recordKeySchema).max(100) })
export const listSchema = z.object({
  collection: z.object({ tenant: name, collection: name }),
  page: z.object({ after: z.string().max(256).optional(), limit: z.number().int().min(1).max(pageItemsMax) }),
})
const printable = /^[\x20-\x7e]+$/
export const grantsSchema = z.object({
  keys: z.array(z.string().min(1).max(1024)).max(100),
  as: z
    .object({
      mediaType: z.string().max(255).regex(printable).optional(),
      disposition: z.string().max(4096).regex(printable).optional(),
      unseen: z.boolean().optional(),
    })
    .optional(),
})

/** A page, a leaf, and digits of the key's hash. */
const path = z
  .array(z.number().int().min(0).max(127))
  .max(2 + keyDigitCount)
  .refine((numbers) => numbers.slice(2).every((digit) => digit < 16), 'not digits of base 16')
const digest = z.string().max(64)

export const summariesSchema = z.object({
  requests: z.array(z.object({ path, digest })).max(128),
  salt: z.string().min(1).max(32).optional(),
})

const moment = z.number().int().nonnegative().optional()
const knownUntil = { scrubbedSinceMs: moment, fedUntilMs: moment }

export const summaryAnswersSchema = z.object({
  answers: z
    .array(
      z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('same'), ...knownUntil }),
        z.object({ kind: z.literal('busy') }),
        z.object({ kind: z.literal('packed'), digests: z.string().max(512), ...knownUntil }),
        z.object({ kind: z.literal('digests'), digests: z.array(digest).max(128), ...knownUntil }),
        z.object({ kind: z.literal('entries'), entries: z.array(z.object({ key: recordKeySchema, vector })) }),
      ]),
    )
    .max(128),
})
export const bucketQuestionsSchema = z.object({
  questions: z
    .array(
      z.object({
        bucket: z
          .number()
          .int()
          .min(0)
          .max(bucketCount - 1),
        digest: z.string().max(64),
      }),
    )
    .min(1)
    .max(128),
})
export const bucketsAnswerSchema = z.object({
  read: z.number().int().min(1).max(128),
  records: z.number().int().nonnegative(),
  differing: z
    .array(
      z.object({
        bucket: z.number().int().nonnegative(),
        entries: z.array(z.object({ key: recordKeySchema, vector })),
      }),
    )
    .max(128),
})

export const objectTargetsSchema = z.object({
  targets: z
    .array(z.object({ tenant: name, asset: z.string().min(1).max(256), key: z.string().min(1).max(1024) }))
    .max(100),
})

export const fetchedSchema = z.object({ fetched: z.number().int().nonnegative() })
