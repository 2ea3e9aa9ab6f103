import { errorCode } from '../data/error-code.ts'
import { CatamaranError, isCatamaranError } from '../domain/errors.ts'
import type { Ending } from '../process/bounded-process.ts'

export const invalidMedia = (reason: string, cause?: unknown): CatamaranError =>
  new CatamaranError('invalid-media', reason, cause === undefined ? {} : { cause })

export const timedOut = (reason: string): CatamaranError => new CatamaranError('timed-out', reason)

/** What is said of media for which a process was killed. Only the wall's time may pass on a machine that is merely busy. */
export function overLimit(what: string, limit: (Ending & { kind: 'over' })['limit']): CatamaranError {
  switch (limit) {
    case 'wall':
      return timedOut(`${what} took too long`)
    case 'cpu':
      return invalidMedia(`${what} needs more processor time than is allowed`)
    case 'memory':
      return invalidMedia(`${what} needs more memory than is allowed`)
    case 'output':
    case 'file':
      return invalidMedia(`${what} gives more bytes than are allowed`)
  }
}

/** The first line of an error's text, without local paths. */
export function reasonOf(error: unknown): string {
  const text = typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error)
  return tidyReason(text)
}

export function tidyReason(text: string): string {
  const line = text.split('\n').find((candidate) => candidate.trim() !== '') ?? 'unknown fault'
  return line
    .replace(/(?:file:)?\/[^\s:'"]+/g, 'the file')
    .replace(/0x[0-9a-f]{5,}/gi, 'a number')
    .replace(/[^\x20-\x7e]/g, '?')
    .trim()
    .slice(0, 200)
}

/** Runs `work`; what a decoder throws becomes `invalid-media`, while faults of the machine stay what they are. */
export async function decoding<Result>(
  what: string,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted()
  try {
    return await work()
  } catch (error) {
    if (isCatamaranError(error)) throw error
    signal.throwIfAborted()
    if (isMachineFault(error))
      throw new CatamaranError('unavailable', `No room to convert: ${reasonOf(error)}`, { cause: error })
    if (/timeout/i.test(reasonOf(error))) throw timedOut(`${what} took too long to decode`)
    throw invalidMedia(`${what} cannot be read: ${reasonOf(error)}`, error)
  }
}

const isMachineFault = (error: unknown): boolean =>
  /ENOSPC|EMFILE|ENFILE|EACCES|EROFS|ENOENT|No space left|Read-only file system/.test(
    `${errorCode(error)} ${reasonOf(error)}`,
  )
