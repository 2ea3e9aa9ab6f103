import type * as z from 'zod'
import { CatamaranError } from '../domain/errors.ts'
import { jsonPointer } from './strict-json.ts'

type Part = 'path' | 'query' | 'header' | 'body'

const faultsMax = 20

/** The value as the schema has it. Throws `invalid-request` that names every fault by its place. */
export function validate<Schema extends z.ZodType>(schema: Schema, value: unknown, part: Part): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const errors = result.error.issues.flatMap((issue) => faultsOf(issue, part)).slice(0, faultsMax)
  const first = errors[0]
  const place = first?.pointer ? `${part} ${first.pointer}` : `The ${part}`
  throw new CatamaranError('invalid-request', `${place}: ${first?.detail ?? 'not valid'}`, { errors })
}

function faultsOf(issue: z.core.$ZodIssue, part: Part): { pointer: string; in: Part; detail: string }[] {
  if (issue.code !== 'unrecognized_keys') {
    return [{ pointer: jsonPointer(issue.path), in: part, detail: issue.message }]
  }
  const known = part === 'body' ? 'member' : 'parameter'
  return issue.keys.map((key) => ({
    pointer: jsonPointer([...issue.path, key.slice(0, 100)]),
    in: part,
    detail: `There is no such ${known}.`,
  }))
}
