import { crc32, deflateRawSync } from 'node:zlib'

interface Part {
  readonly name: string
  readonly content: string | Buffer
  /** As it is; else deflated. */
  readonly isStored?: boolean
  /** What the directory says of its packed size and of where it lies, where that is not so. */
  readonly lie?: { readonly packedBytes?: number; readonly at?: number }
}

const numbers = (...fields: readonly (readonly [value: number, bytes: number])[]): Buffer =>
  Buffer.concat(
    fields.map(([value, bytes]) => {
      const field = Buffer.alloc(bytes)
      field.writeUIntLE(value, 0, bytes)
      return field
    }),
  )

/** A zip file (APPNOTE 6.3.10) of parts in their order. */
export function zipOf(parts: readonly Part[]): Buffer {
  const bodies: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const { name, content, isStored = false, lie = {} } of parts) {
    const bytes = Buffer.from(content)
    const packed = isStored ? bytes : deflateRawSync(bytes)
    const facts = (packedBytes: number): Buffer =>
      numbers(
        [20, 2],
        [0, 2],
        [isStored ? 0 : 8, 2],
        [0, 4],
        [crc32(bytes), 4],
        [packedBytes, 4],
        [bytes.length, 4],
        [name.length, 2],
        [0, 2],
      )
    const body = Buffer.concat([numbers([0x04034b50, 4]), facts(packed.length), Buffer.from(name), packed])
    const place = numbers([0, 2], [0, 2], [0, 2], [0, 4], [lie.at ?? at, 4])
    directory.push(numbers([0x02014b50, 4], [20, 2]), facts(lie.packedBytes ?? packed.length), place, Buffer.from(name))
    bodies.push(body)
    at += body.length
  }
  const central = Buffer.concat(directory)
  const end = numbers(
    [0x06054b50, 4],
    [0, 4],
    [parts.length, 2],
    [parts.length, 2],
    [central.length, 4],
    [at, 4],
    [0, 2],
  )
  return Buffer.concat([...bodies, central, end])
}

const [sectorBytes, entryBytes, none] = [512, 128, 0xffffffff]

interface OleEntry {
  readonly name: string
  readonly left?: number
  readonly right?: number
  readonly child?: number
}

/** The directory of a compound file (MS-CFB, 2.6), in sectors that lie behind each other's back; of its streams, nothing. */
export function oleOf(entries: readonly OleEntry[]): Buffer {
  const sectors: Buffer[] = []
  for (let from = 0; from < entries.length; from += 4) {
    const sector = Buffer.alloc(sectorBytes)
    for (const [index, { name, left = none, right = none, child = none }] of entries.slice(from, from + 4).entries()) {
      const at = index * entryBytes
      sector.write(name, at, 'utf16le')
      sector.writeUInt16LE((name.length + 1) * 2, at + 64)
      for (const [place, value] of [left, right, child].entries()) sector.writeUInt32LE(value, at + 68 + 4 * place)
    }
    sectors.push(sector)
  }
  const table = Buffer.alloc(sectorBytes, 0xff)
  // Sector 0 is the table; the directory goes backwards through the file.
  for (let index = 0; index < sectors.length; index++)
    table.writeUInt32LE(index === 0 ? 0xfffffffe : index, (index + 1) * 4)
  const header = Buffer.alloc(sectorBytes, 0xff)
  header.set(Buffer.from('d0cf11e0a1b11ae1', 'hex'))
  header.writeUInt16LE(9, 30)
  header.writeUInt32LE(1, 44)
  header.writeUInt32LE(sectors.length, 48)
  header.writeUInt32LE(0, 76)
  return Buffer.concat([header, table, ...sectors.reverse()])
}
