import { constants, createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib'
import { CatamaranError } from '../domain/errors.ts'
import { errorCode } from './error-code.ts'
import { peek } from './peek.ts'

/** A packed file may unpack to this much. */
const unpackedBytesMax = 20 * 1024 ** 3
/** Text packs to a twentieth, seldom to a hundredth; a file that grows more than this past the first bytes is a bomb. */
const growthMax = 200
const unpackedBytesFree = 256 * 1024 ** 2
/** 2^27 bytes is what zstd itself takes without being told; a header may ask for 2^31. */
const zstdWindowLogMax = 27

const packings = ['gzip', 'zstd'] as const
export type Packing = (typeof packings)[number]

const magics: Readonly<Record<Packing, readonly number[]>> = {
  gzip: [0x1f, 0x8b],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
}
const magicBytesMax = 4

type Unpacker = Gunzip | ZstdDecompress

const openers: Readonly<Record<Packing, () => Unpacker>> = {
  gzip: () => createGunzip(),
  zstd: () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLogMax } }),
}

/** How bytes that begin so are packed. */
export const packingOf = (head: Uint8Array): Packing | undefined =>
  packings.find((packing) => magics[packing].every((byte, index) => head[index] === byte))

/**
 * The bytes of `source`, unpacked when they begin as gzip or zstd do. Throws `invalid-media` when the packing is damaged or
 * grows without measure.
 */
export async function* unpacked(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { head, all } = await peek(source, magicBytesMax)
  const packing = packingOf(head)
  if (packing) yield* unpackAs(packing, all)
  else yield* all
}

async function* unpackAs(packing: Packing, packed: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const input: Input = { packed, rest: undefined, bytes: 0 }
  let bytes = 0
  try {
    // At the end of a zstd frame the unpacker ends, but the file may hold others behind it.
    do {
      for await (const chunk of unpackOne(openers[packing](), input)) {
        bytes += chunk.length
        assertMeasure({ packed: input.bytes, unpacked: bytes })
        yield chunk
      }
    } while (packing === 'zstd' && input.rest !== undefined)
  } catch (error) {
    if (/^(Z_|ZSTD_|ERR_ZSTD_)/.test(errorCode(error))) {
      throw new CatamaranError('invalid-media', `The ${packing} packing is damaged or cut off`, { cause: error })
    }
    throw error
  } finally {
    await packed.return(undefined)
  }
}

interface Input {
  readonly packed: AsyncGenerator<Uint8Array>
  /** What the last unpacker left of a chunk. */
  rest: Uint8Array | undefined
  bytes: number
}

async function* unpackOne(unpacker: Unpacker, input: Input): AsyncGenerator<Uint8Array> {
  const feeding = feed(unpacker, input).catch((error: unknown) => unpacker.destroy(error as Error))
  try {
    yield* unpacker as AsyncIterable<Buffer>
  } finally {
    unpacker.destroy()
    await feeding
  }
}

async function feed(unpacker: Unpacker, input: Input): Promise<void> {
  let goOn = (): void => undefined
  // A write on which the unpacker fails is never answered.
  unpacker.once('close', () => goOn())
  while (!unpacker.destroyed) {
    const chunk = input.rest ?? (await nextOf(input))
    input.rest = undefined
    if (chunk === undefined) break
    const before = unpacker.bytesWritten
    await new Promise<void>((resolve) => {
      goOn = resolve
      unpacker.write(chunk, () => resolve())
    })
    const taken = unpacker.bytesWritten - before
    if (taken === chunk.length) continue
    input.rest = chunk.subarray(taken)
    return
  }
  unpacker.end()
}

async function nextOf(input: Input): Promise<Uint8Array | undefined> {
  const next = await input.packed.next()
  if (next.done) return undefined
  input.bytes += next.value.length
  return next.value
}

function assertMeasure(bytes: { readonly packed: number; readonly unpacked: number }): void {
  if (bytes.unpacked > unpackedBytesMax) {
    throw new CatamaranError('invalid-media', 'The packed file unpacks to more than 20 GiB')
  }
  if (bytes.unpacked > unpackedBytesFree && bytes.unpacked > bytes.packed * growthMax) {
    throw new CatamaranError('invalid-media', `The packed file unpacks to more than ${growthMax} times its size`)
  }
}
