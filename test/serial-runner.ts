import { createRequire } from 'node:module'

// Its types are those of its CommonJS build.
const { default: Runner } = createRequire(import.meta.url)('jest-runner') as typeof import('jest-runner')

/** Runs its files one after the other, once those of all other runners have ended. */
export default class SerialRunner extends Runner {
  override readonly isSerial = true
}
