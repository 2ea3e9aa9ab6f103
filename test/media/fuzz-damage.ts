/** Cut off, bits flipped, bytes overwritten, a stretch doubled or moved: by turns, all from the seed. */
export function damaged(whole: Buffer, next: () => number, copy: number): Buffer {
  const at = (bias = 1): number => Math.floor(next() ** bias * whole.length)
  const bytes = Buffer.from(whole)
  switch (copy % 5) {
    case 0:
      return bytes.subarray(0, at())
    case 1:
      for (let flip = 0; flip <= copy % 7; flip++) {
        const place = at(2)
        bytes[place] = (bytes[place] ?? 0) ^ (1 << Math.floor(next() * 8))
      }
      return bytes
    case 2:
      return bytes.fill(Math.floor(next() * 256), ...stretch(at(), at(3), bytes.length))
    case 3:
      return Buffer.concat([bytes.subarray(0, at()), bytes.subarray(at())])
    default:
      for (let place = at(2), end = place + 4; place < end && place < bytes.length; place++) bytes[place] = next() * 256
      return bytes
  }
}

const stretch = (start: number, length: number, end: number): [number, number] => [
  start,
  Math.min(end, start + 1 + length),
]
