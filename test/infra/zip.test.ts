import { inflateRawSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import { zip } from '../../scripts/zip.ts'

/** Reads a zip by its central directory, as unpackers do. */
function unzip(bytes: Buffer): Record<string, string> {
  const end = bytes.length - 22
  expect(bytes.readUInt32LE(end)).toBe(0x06054b50)
  const files: Record<string, string> = {}
  let at = bytes.readUInt32LE(end + 16)
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    const [packed, size, nameBytes, offset] = [
      bytes.readUInt32LE(at + 20),
      bytes.readUInt32LE(at + 24),
      bytes.readUInt16LE(at + 28),
      bytes.readUInt32LE(at + 42),
    ]
    const name = bytes.toString('utf8', at + 46, at + 46 + nameBytes)
    const body = offset + 30 + bytes.readUInt16LE(offset + 26)
    const text = inflateRawSync(bytes.subarray(body, body + packed)).toString()
    expect(Buffer.byteLength(text)).toBe(size)
    files[name] = text
    at += 46 + nameBytes
  }
  return files
}

test('a zip holds what was put in, the same bytes in whatever order', () => {
  const entries = [
    { name: 'b/ä.txt', bytes: Buffer.from('x'.repeat(10_000)) },
    { name: 'a.txt', bytes: Buffer.alloc(0) },
  ]
  const bytes = zip(entries)
  expect(unzip(bytes)).toEqual({ 'a.txt': '', 'b/ä.txt': 'x'.repeat(10_000) })
  expect(zip([...entries].reverse()).equals(bytes)).toBe(true)
})

test('a program can be run by whoever unpacks it, and nothing else can', () => {
  const bytes = zip([
    { name: 'a', bytes: Buffer.from('a'), executable: true },
    { name: 'b', bytes: Buffer.from('b') },
  ])
  const first = bytes.readUInt32LE(bytes.length - 6)
  const modes = [first, first + 47].map((at) => bytes.readUInt16LE(at + 40).toString(8))
  expect(modes).toEqual(['100755', '100644'])
})
