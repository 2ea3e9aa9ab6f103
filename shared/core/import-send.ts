import type { Services } from './services.ts'

/** An asset that is to be made of a file from elsewhere. */
export interface ImportTarget {
  readonly tenant: string
  readonly asset: string
}

/** Asks a function that does long work to fetch the file. */
export const sendImport = (services: Services, target: ImportTarget, delayMs = 0): Promise<void> =>
  services.jobs.send({ kind: 'import', payload: { ...target } }, { delayMs })
