/** Descriptions are short; whatever is longer than IIM allows in its short form ends the reading. */
const datasetsMax = 200

/** The texts of IPTC's application record (IIM 4.2, record 2) by dataset number: 5 title, 25 keyword, 80 creator, 116 rights, 120 text. */
export function iptcTexts(block: Uint8Array | undefined): ReadonlyMap<number, readonly string[]> {
  const texts = new Map<number, string[]>()
  if (!block) return texts
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength)
  let at = bytes.indexOf(Buffer.from([0x1c, 0x02]))
  for (let count = 0; count < datasetsMax && at >= 0 && at + 5 <= bytes.length; count++) {
    if (bytes[at] !== 0x1c) break
    const [record, dataset, length] = [bytes[at + 1], bytes[at + 2] ?? 0, bytes.readUInt16BE(at + 3)]
    if (length > 0x7fff || at + 5 + length > bytes.length) break
    if (record === 2) {
      const text = bytes.toString('utf8', at + 5, at + 5 + length).replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
      texts.set(dataset, [...(texts.get(dataset) ?? []), text.trim().slice(0, 500)].filter(Boolean))
    }
    at += 5 + length
  }
  return texts
}
