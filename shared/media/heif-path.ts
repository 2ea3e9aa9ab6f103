import { createRequire } from 'node:module'

/** The package that reads HEIC, where somebody installed it: it comes with nothing here by itself. */
const program = 'libheif-js/libheif-wasm/libheif.js'

/** Finds the decoder of HEIC. Undefined when there is none: HEIC is then stored as it is. */
export function findHeifDecoder(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(program)
  } catch {
    return undefined
  }
}
