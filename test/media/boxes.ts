/** What films and pictures in boxes are written of (ISO/IEC 14496-12, 4.2). */
export const latin = (text: string): Buffer => Buffer.from(text, 'latin1')

export const be32 = (...values: readonly number[]): Buffer => {
  const data = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) data.writeUInt32BE(value >>> 0, index * 4)
  return data
}

export const box = (name: string, ...content: readonly Buffer[]): Buffer => {
  const inside = Buffer.concat(content)
  return Buffer.concat([be32(8 + inside.length), latin(name), inside])
}
