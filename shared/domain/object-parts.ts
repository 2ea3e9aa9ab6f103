import { CatamaranError } from './errors.ts'

interface Part {
  readonly part: number
  readonly bytes: number
  readonly etag: string
}

/** Throws `invalid-request` unless `parts` are parts 1 to n, each held by the store with the same bytes and tag. */
export function assertParts(parts: readonly Part[], held: readonly Part[]): void {
  const heldByPart = new Map(held.map((one) => [one.part, one]))
  if (parts.length === 0) throw new CatamaranError('invalid-request', 'An upload has at least one part')
  for (const [index, { part, bytes, etag }] of parts.entries()) {
    if (part !== index + 1) throw new CatamaranError('invalid-request', `Part ${index + 1} is missing`)
    const found = heldByPart.get(part)
    if (!found) throw new CatamaranError('invalid-request', `Part ${part} was never uploaded`)
    if (found.bytes !== bytes || found.etag !== etag) {
      throw new CatamaranError('invalid-request', `Part ${part} is not the part that was uploaded last`)
    }
  }
}
