import { expect, test } from '@jest/globals'
import { assertSmall, unpackedBytesMax } from '../../scripts/unpacked.ts'

const { plain, whole } = unpackedBytesMax
const of = (plainBytes: number, wholeBytes: number) => ({
  cloud: 'aws' as const,
  platform: 'linux-arm64',
  files: [],
  plainBytes,
  wholeBytes,
})

test('a byte too many in a package is refused, by itself or with what somebody added', () => {
  expect(() => assertSmall(of(plain, whole))).not.toThrow()
  expect(() => assertSmall(of(plain + 1, plain + 1))).toThrow('aws unpacks 25.0 MB, of 25.0 MB')
  expect(() => assertSmall(of(plain, whole + 1))).toThrow('in all')
})
