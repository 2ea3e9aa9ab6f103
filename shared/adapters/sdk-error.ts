import { CatamaranError, type ErrorCode, type ErrorDetails } from '../domain/errors.ts'

const refused =
  'A store or queue behind this site refused the work. Its log has the reason, which an operator has to look at.'

/** In our words, with what to do; an SDK's own may name hosts, accounts, roles and tables. */
const told: Partial<Record<ErrorCode, string>> = {
  unavailable: 'A store or queue behind this site does not answer just now. Try again.',
  'timed-out': 'A store or queue behind this site did not answer in time. Try again.',
  throttled: 'A store or queue behind this site takes no more just now. Try again a little later.',
  'too-large': 'This is larger than a store behind this site takes.',
  'not-found': 'What this needs is not in the store of this site.',
  'precondition-failed': 'The store of this site holds something newer by now. Read it and try again.',
  'range-not-satisfiable': 'The range lies outside of what is stored.',
  'invalid-request': 'A store behind this site does not take this as it was sent.',
}

/** What an SDK threw as an error of ours: `message` is for the log and operators, a client is told a fixed sentence. */
export const sdkError = (code: ErrorCode, message: string, details: ErrorDetails): CatamaranError =>
  new CatamaranError(code, message, { ...details, publicMessage: told[code] ?? refused })
