import { createRequire } from 'node:module'
import { imagePixelsMax } from './limits.ts'
import { invalidMedia, tidyReason } from './reasons.ts'

/** The names of libheif's C functions; they take and give numbers, of which some are addresses in its memory. */
type HeifCall = 'malloc' | 'free' | `heif_${string}`

/** libheif, compiled to WebAssembly: it has a memory of its own, and files and a network only as far as this program has. */
export interface Libheif {
  readonly call: (name: HeifCall, ...values: number[]) => number
  /** Calls what answers with a `heif_error`; throws `invalid-media` with the library's own words. */
  try(name: HeifCall, ...values: number[]): void
  /** A view that holds until the next call. */
  bytes(at: number, length: number): Buffer
  /** Of the four bytes at an address. */
  number(at: number): number
  /** The text that ends with a zero. */
  text(at: number): string
}

/** What the package's own code makes; its memory is another one after it has grown. */
interface Loaded {
  readonly HEAPU8: Uint8Array
  readonly [name: `_${string}`]: (...values: number[]) => number
}

const errorBytes = 12
const textCharsMax = 200

/** Loads the decoder that `findHeifDecoder` found. It writes nothing itself: what it says would be taken for answers. */
export function loadLibheif(path: string): Libheif {
  const quiet = (): void => undefined
  const make = createRequire(path)(path) as (options: object) => Loaded
  const loaded = make({ print: quiet, printErr: quiet })
  const call: Libheif['call'] = (name, ...values) => {
    const found = loaded[`_${name}`]
    if (!found) throw new Error(`This libheif has no ${name}`)
    return found(...values)
  }
  const bytes = (at: number, length: number): Buffer => {
    const { buffer, byteLength } = loaded.HEAPU8
    if (at <= 0 || length < 0 || at + length > byteLength) throw new Error('libheif gave a place outside of its memory')
    return Buffer.from(buffer, at, length)
  }
  const number = (at: number): number => bytes(at, 4).readUInt32LE(0)
  const text = (at: number): string => {
    const found = bytes(at, Math.min(textCharsMax, loaded.HEAPU8.byteLength - at))
    const end = found.indexOf(0)
    return found.toString('latin1', 0, end < 0 ? found.length : end)
  }
  const error = call('malloc', errorBytes)
  return {
    call,
    bytes,
    number,
    text,
    try(name, ...values) {
      call(name, error, ...values)
      if (number(error) === 0) return
      throw invalidMedia(`The image cannot be read: ${tidyReason(text(number(error + 8)))}`)
    },
  }
}

/** A square of as many pixels as a picture may have: libheif refuses what has more. */
export const heifSideMax = Math.floor(Math.sqrt(imagePixelsMax))
