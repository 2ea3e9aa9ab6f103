import { be32, latin } from './boxes.ts'

const secondsOf = (hours: number): number => hours * 3_600

/** RFC 9639, 8.2: a header that states samples at 8 kHz, and none of them. */
export function flac(hours: number): Buffer {
  const samples = secondsOf(hours) * 8_000
  const info = Buffer.alloc(34)
  info.write('10001000', 'hex')
  // 20 bits of the rate, 3 of the channels, 5 of the bits a sample, 36 of the samples.
  info.writeUIntBE(8_000 * 16, 10, 3)
  info.writeUInt8(0x70, 12)
  info.writeUInt8(0xf0 | Math.floor(samples / 2 ** 32), 13)
  info.writeUInt32BE(samples % 2 ** 32, 14)
  return Buffer.concat([latin('fLaC'), Buffer.from('80000022', 'hex'), info, Buffer.alloc(1_000)])
}

/** A frame a second. */
export function aiff(hours: number): Buffer {
  const rate = Buffer.from('3fff8000000000000000', 'hex')
  const common = Buffer.concat([Buffer.from('0001', 'hex'), be32(secondsOf(hours)), Buffer.from('0008', 'hex'), rate])
  const chunk = (name: string, content: Buffer): Buffer => Buffer.concat([latin(name), be32(content.length), content])
  const chunks = [chunk('NAME', latin('bomb')), chunk('COMM', common), chunk('SSND', Buffer.alloc(1_000))]
  return chunk('FORM', Buffer.concat([latin('AIFF'), ...chunks]))
}

/** Adobe Flash Video File Format 10.1, E.4: what it says of itself, and no tag of pictures. */
export function flv(hours: number): Buffer {
  const seconds = Buffer.alloc(8)
  seconds.writeDoubleBE(secondsOf(hours))
  const property = Buffer.concat([latin('\0\x08duration\0'), seconds])
  const script = Buffer.concat([latin('\x02\0\x0aonMetaData\x08'), be32(1), property, Buffer.from('000009', 'hex')])
  const tag = Buffer.concat([be32(0x12000000 | script.length), be32(0), Buffer.alloc(3), script])
  return Buffer.concat([latin('FLV\x01\x05'), be32(9, 0), tag, be32(tag.length), Buffer.alloc(1_000)])
}

/** Advanced Systems Format 1.20, 3.2: a header of the file's properties and of one stream of pictures. */
export function asf(hours: number): Buffer {
  const object = (name: string, content: Buffer): Buffer => {
    const length = Buffer.alloc(8)
    length.writeUInt32LE(24 + content.length)
    return Buffer.concat([Buffer.from(name, 'hex'), length, content])
  }
  const properties = Buffer.alloc(80)
  properties.writeBigUInt64LE(BigInt(secondsOf(hours)) * 10_000_000n, 40)
  const picture = Buffer.from('c0ef19bc4d5bcf11a8fd00805f5c442b', 'hex')
  const stream = object('9107dcb7b7a9cf118ee600c00c205365', Buffer.concat([picture, Buffer.alloc(60)]))
  const inside = [object('a1dcab8c47a9cf118ee400c00c205365', properties), stream]
  const header = Buffer.concat([Buffer.from('020000000102', 'hex'), ...inside])
  return Buffer.concat([object('3026b2758e66cf11a6d900aa0062ce6c', header), Buffer.alloc(1_000)])
}
