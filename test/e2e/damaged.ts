import { open, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import { unique } from './pair.ts'

/** The first six tenths of a file, as an upload that broke off leaves it. */
export async function truncated(path: string, folder: string): Promise<{ path: string; bytes: number }> {
  const bytes = Math.floor((await stat(path)).size * 0.6)
  const target = join(folder, `${unique('truncated')}-${basename(path)}`)
  const from = await open(path)
  const to = await open(target, 'w')
  const { buffer } = await from.read(Buffer.alloc(bytes), 0, bytes, 0)
  await to.write(buffer)
  await Promise.all([from.close(), to.close()])
  return { path: target, bytes }
}

/** A valid PNG of one bit a pixel, all black: much to decode, little to send. */
export function hugePng(width: number, height: number): Uint8Array<ArrayBuffer> {
  const rowBytes = Math.ceil(width / 8) + 1
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([1, 0, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  const chunks = [
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(rowBytes * height))),
    chunk('IEND', Buffer.alloc(0)),
  ]
  return new Uint8Array(Buffer.concat([signature, ...chunks]))
}

function chunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(typed), 4)
  return Buffer.concat([frame.subarray(0, 4), typed, frame.subarray(4)])
}
