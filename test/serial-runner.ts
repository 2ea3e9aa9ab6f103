import { createRequire } from 'node:module'
import type JestRunner from 'jest-runner'

// Its types are those of its CommonJS build.
const { default: Runner } = createRequire(import.meta.url)('jest-runner') as typeof JestRunner

/** Runs its files one after the other, once those of all other runners have ended. */
export default class SerialRunner extends Runner {
  override readonly isSerial = true
}
