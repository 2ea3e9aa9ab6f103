import { createHash } from 'node:crypto'
import type { MessageAttribute } from './store.ts'

export const md5Hex = (text: string): string => createHash('md5').update(text).digest('hex')

const lengthThen = (bytes: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** MD5 over the sorted attributes, each part behind its length. Source: SQS developer guide, "Calculating the MD5". */
export function md5OfAttributes(attributes: Readonly<Record<string, MessageAttribute>>): string | undefined {
  const names = Object.keys(attributes).sort()
  if (names.length === 0) return undefined
  const hash = createHash('md5')
  for (const name of names) {
    const { DataType = '', StringValue, BinaryValue } = attributes[name] ?? {}
    hash.update(lengthThen(Buffer.from(name))).update(lengthThen(Buffer.from(DataType)))
    if (BinaryValue === undefined) hash.update(Buffer.from([1])).update(lengthThen(Buffer.from(StringValue ?? '')))
    else hash.update(Buffer.from([2])).update(lengthThen(Buffer.from(BinaryValue, 'base64')))
  }
  return hash.digest('hex')
}
