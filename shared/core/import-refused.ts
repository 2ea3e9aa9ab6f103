import type { Failure } from '../domain/asset.ts'

/** An import that no further try would bring to an end. */
export class ImportRefused extends Error {
  readonly failure: Failure

  constructor(code: string, detail: string) {
    super(detail)
    this.name = 'ImportRefused'
    this.failure = { code, detail }
  }
}

/** By name: two realms may each hold a copy of the class. */
export const isImportRefused = (error: unknown): error is ImportRefused =>
  (error as { name?: unknown } | null)?.name === 'ImportRefused'
