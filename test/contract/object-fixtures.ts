import { createHash } from 'node:crypto'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import { bytesOfStream } from '../memory/streams.ts'

export const mebibyte = 2 ** 20

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Bytes that differ everywhere, so that a part in the wrong place shows. */
export const patterned = (length: number): Uint8Array => {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(at, at)
  return bytes
}

export interface ObjectContext {
  readonly store: ObjectStore
  /** Peak memory is checked only where the bytes leave this process. */
  readonly isRemote: boolean
  /** The same store, told that a copy in one piece takes next to nothing. */
  readonly pieceCopies?: ObjectStore
}

export async function readObject(store: ObjectStore, key: string): Promise<Uint8Array | undefined> {
  const body = await store.get(key)
  return body && bytesOfStream(body.stream)
}
