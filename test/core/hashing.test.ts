import { createHash, randomBytes } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { combineCrc64, emptyCrc64 } from '../../shared/domain/crc64-combine.ts'
import { hashing } from '../../shared/domain/hashing.ts'

const content = Buffer.from(Array.from({ length: 4_096 }, (_, n) => (n * 31) % 251))
const cuts = [0, 1, 7, 8, 9, 63, 64, 65, 1_000, content.length]

test('the CRC is that of the standard, however the bytes are cut', async () => {
  const { crc64, crc64Of } = await hashing
  const crc = (...pieces: Uint8Array[]): string => {
    const running = crc64()
    for (const piece of pieces) running.update(piece)
    return running.hex()
  }
  expect(crc(Buffer.from('123456789'))).toBe('ae8b14860a799888')
  expect(crc(Buffer.alloc(4_096))).toBe('6482d367eb22b64e')
  expect(crc(Buffer.alloc(4_096, 0xff))).toBe('c0ddba7302eca3ac')
  expect(crc()).toBe(emptyCrc64)
  for (const cut of cuts) {
    expect(crc(content.subarray(0, cut), content.subarray(cut))).toBe(crc(content))
    expect(crc64Of(content.subarray(cut))).toBe(crc(content.subarray(cut)))
  }
})

test('the CRCs of pieces combine to that of the whole', async () => {
  const { crc64Of } = await hashing
  for (const cut of cuts) {
    const [first, second] = [content.subarray(0, cut), content.subarray(cut)]
    expect(combineCrc64(crc64Of(first), crc64Of(second), second.length)).toBe(crc64Of(content))
  }
  const parts = Array.from({ length: 200 }, (_, n) => randomBytes(n * 7))
  const joined = parts.reduce((crc, part) => combineCrc64(crc, crc64Of(part), part.length), emptyCrc64)
  expect(joined).toBe(crc64Of(Buffer.concat(parts)))
})

test('a SHA-256 goes on from what was saved, between others, and refuses what it did not save', async () => {
  const { sha256 } = await hashing
  const native = createHash('sha256').update(content).digest('hex')
  for (const cut of cuts) {
    const first = sha256()
    const other = sha256()
    first.update(content.subarray(0, cut))
    other.update(randomBytes(100))
    const next = sha256(first.save())
    other.update(randomBytes(100))
    next.update(content.subarray(cut))
    expect(next.hex()).toBe(native)
    expect(next.hex()).toBe(native)
  }
  expect(() => sha256('AAAA')).toThrow()
  expect(() => sha256(Buffer.alloc(200, 7).toString('base64url'))).toThrow()
})
