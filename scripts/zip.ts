import { crc32, deflateRawSync } from 'node:zlib'

export interface ZipEntry {
  /** With slashes. */
  readonly name: string
  readonly bytes: Uint8Array
  /** A program, that whoever unpacks it can run. */
  readonly executable?: boolean
}

const [localHeader, centralHeader, endOfCentral] = [0x04034b50, 0x02014b50, 0x06054b50]
const [deflated, version, utf8Names] = [8, 20, 0x0800]
const [unixFile, unixProgram] = [0o100644 * 65_536, 0o100755 * 65_536]
/** 1980-01-01, the first that a zip can name: the same files give the same bytes. */
const [date, time] = [0x21, 0]

/** A zip file (APPNOTE 6.3.10) of entries in the order of their names. Below 4 GB and 65,535 entries. */
export function zip(entries: readonly ZipEntry[]): Buffer {
  const bodies: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, bytes, executable = false } of [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const packed = deflateRawSync(bytes, { level: 9 })
    const nameBytes = Buffer.from(name)
    const facts = Buffer.alloc(26)
    facts.writeUInt16LE(version, 0)
    facts.writeUInt16LE(utf8Names, 2)
    facts.writeUInt16LE(deflated, 4)
    facts.writeUInt16LE(time, 6)
    facts.writeUInt16LE(date, 8)
    facts.writeUInt32LE(crc32(bytes), 10)
    facts.writeUInt32LE(packed.length, 14)
    facts.writeUInt32LE(bytes.length, 18)
    facts.writeUInt16LE(nameBytes.length, 22)
    bodies.push(signed(localHeader), facts, nameBytes, packed)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(executable ? unixProgram : unixFile, 6)
    place.writeUInt32LE(offset, 10)
    const madeBy = Buffer.from([version, 3])
    directory.push(signed(centralHeader), madeBy, facts, place, nameBytes)
    offset += 4 + facts.length + nameBytes.length + packed.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(entries.length, 4)
  end.writeUInt16LE(entries.length, 6)
  end.writeUInt32LE(central.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...bodies, central, signed(endOfCentral), end])
}

function signed(signature: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(signature)
  return bytes
}
