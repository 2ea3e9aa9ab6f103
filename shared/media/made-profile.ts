/** Colorants in the connection space of profiles, D50, by their code point in ITU-T H.273, 8.1: Rec. 2020 and Display P3. */
const colorants: Readonly<Record<number, readonly (readonly number[])[]>> = {
  9: [
    [0.67348, 0.27904, -0.00193],
    [0.16566, 0.67535, 0.02997],
    [0.12505, 0.04561, 0.79684],
  ],
  12: [
    [0.51512, 0.2412, -0.00105],
    [0.29198, 0.69225, 0.04189],
    [0.1571, 0.06657, 0.78407],
  ],
}
const white = [0.9642, 1, 0.8249]
/** IEC 61966-2-1, as a curve of ICC.1:2022, 10.18, of the fourth kind: gamma, a, b, c, d. */
const srgbCurve = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045]
const names = ['rXYZ', 'gXYZ', 'bXYZ']
const curveNames = ['rTRC', 'gTRC', 'bTRC']
const headBytes = 128

/** An ICC profile of these primaries with the curve of sRGB; undefined where they are those of sRGB, or of none that has more. */
export function profileOfPrimaries(primaries: number): Buffer | undefined {
  const found = colorants[primaries]
  if (!found) return undefined
  const curve = Buffer.concat([typed('para'), Buffer.from([0, 3, 0, 0]), fixed(srgbCurve)])
  const name = primaries === 9 ? 'Rec. 2020' : 'Display P3'
  return profile([
    ['desc', text(`${name}, sRGB curve`)],
    ['cprt', text('None')],
    ['wtpt', xyz(white)],
    ...found.map((each, index) => [names[index] ?? '', xyz(each)] as const),
    ...curveNames.map((each) => [each, curve] as const),
  ])
}

function profile(tags: readonly (readonly [string, Buffer])[]): Buffer {
  const table = Buffer.alloc(4 + tags.length * 12)
  table.writeUInt32BE(tags.length)
  let end = headBytes + table.length
  const parts: Buffer[] = []
  for (const [index, [name, data]] of tags.entries()) {
    const at = 4 + index * 12
    table.write(name, at, 'latin1')
    table.writeUInt32BE(end, at + 4)
    table.writeUInt32BE(data.length, at + 8)
    const padded = Buffer.concat([data, Buffer.alloc(-data.length & 3)])
    parts.push(padded)
    end += padded.length
  }
  const head = Buffer.alloc(headBytes)
  head.writeUInt32BE(end)
  head.writeUInt32BE(0x04300000, 8)
  head.write('mntrRGB XYZ ', 12, 'latin1')
  head.writeUInt16BE(2026, 24)
  head.set([0, 1, 0, 1], 26)
  head.write('acsp', 36, 'latin1')
  fixed(white).copy(head, 68)
  return Buffer.concat([head, table, ...parts])
}

const typed = (type: string): Buffer => Buffer.from(`${type}\0\0\0\0`, 'latin1')

const xyz = (values: readonly number[]): Buffer => Buffer.concat([typed('XYZ '), fixed(values)])

/** In 15.16 fixed point. */
function fixed(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeInt32BE(Math.round(value * 65_536), index * 4)
  return bytes
}

/** In English alone. */
function text(words: string): Buffer {
  const wide = Buffer.from(words, 'utf16le').swap16()
  const head = Buffer.alloc(20)
  head.writeUInt32BE(1)
  head.writeUInt32BE(12, 4)
  head.write('enUS', 8, 'latin1')
  head.writeUInt32BE(wide.length, 12)
  head.writeUInt32BE(28, 16)
  return Buffer.concat([typed('mluc'), head, wide])
}
