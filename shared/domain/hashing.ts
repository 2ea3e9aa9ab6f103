import { createCRC64, createSHA256, type IHasher } from 'hash-wasm'

/** CRC-64/NVME's reflected polynomial; NVM Command Set Specification 1.0, 5.2.1.3.4. S3 and Blob Storage compute the same. */
const crcPolynomial = '9a6c9329ac4bc9b5'

/** Takes bytes in passing. */
export interface Running {
  update(bytes: Uint8Array): void
  /** Hex, most significant digit first: 64 digits of SHA-256, 16 of CRC-64. What was taken stays taken. */
  hex(): string
  /** Base64url, to go on from in another process. */
  save(): string
}

/** Hashes in WebAssembly: a CRC several times as fast as in JavaScript, and both can be put down and taken up. */
export interface Hashing {
  /** Of bytes that are all here. */
  readonly crc64Of: (bytes: Uint8Array) => string
  /** Throws when `saved` is of another build of the hash: then there is no going on. So does `sha256`. */
  readonly crc64: (saved?: string) => Running
  readonly sha256: (saved?: string) => Running
}

/** One instance of each serves all: between two pieces its state is put aside. */
export const hashing: Promise<Hashing> = Promise.all([createCRC64(crcPolynomial), createSHA256()]).then(
  ([crc, sha]) => ({
    crc64Of: (bytes) => crc.init().update(bytes).digest(),
    crc64: (saved) => running(crc, saved),
    sha256: (saved) => running(sha, saved),
  }),
)

function running(hasher: IHasher, saved?: string): Running {
  let state = saved === undefined ? hasher.init().save() : Uint8Array.from(Buffer.from(saved, 'base64url'))
  // Throws here rather than in the middle of the work.
  hasher.load(state)
  return {
    update: (bytes) => {
      state = hasher.load(state).update(bytes).save()
    },
    hex: () => hasher.load(state).digest(),
    save: () => Buffer.from(state).toString('base64url'),
  }
}
