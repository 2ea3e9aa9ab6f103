import type { Stated } from './stated.ts'

/** RFC 9559: the elements that are looked into, and those that are read. */
const inside = new Set([0x18538067, 0x1549a966, 0x1654ae6b, 0xae, 0xe0])
const ids = { timestampScale: 0x2ad7b1, duration: 0x4489, pixelWidth: 0xb0, pixelHeight: 0xba } as const
const depthMax = 8
const elementsMax = 2_000
/** Nanoseconds a tick. */
const timestampScaleDefault = 1_000_000

/** `Duration` and the sizes of pictures, as far as they stand in the beginning of the file. */
export function statedInMatroska(head: Buffer): Stated {
  const found: { id: number; value: number }[] = []
  collect(head, { found, depth: 0, left: elementsMax })
  const valuesOf = (id: number): number[] => found.filter((each) => each.id === id).map(({ value }) => value)
  const scale = valuesOf(ids.timestampScale)[0] ?? timestampScaleDefault
  const durationMs = ((valuesOf(ids.duration)[0] ?? 0) * scale) / 1e6
  const heights = valuesOf(ids.pixelHeight)
  return {
    ...(Number.isFinite(durationMs) && { durationMs }),
    sizes: valuesOf(ids.pixelWidth).map((width, index) => ({ width, height: heights[index] ?? 0 })),
  }
}

interface Collecting {
  readonly found: { id: number; value: number }[]
  readonly depth: number
  left: number
}

function collect(data: Buffer, state: Collecting): void {
  for (let at = 0; at < data.length && state.left > 0; state.left--) {
    const idBytes = lengthOf(data[at])
    const sizeBytes = lengthOf(data[at + idBytes])
    const from = at + idBytes + sizeBytes
    if (idBytes > 4 || sizeBytes > 8 || from > data.length) return
    const id = data.readUIntBE(at, idBytes)
    const bytes = sizeAt(data, at + idBytes, sizeBytes)
    // A size of which all bits are set is not known: the element goes on to the end.
    const to = Math.min(data.length, bytes === undefined ? data.length : from + bytes)
    if (inside.has(id) && state.depth < depthMax) {
      const within = { ...state, depth: state.depth + 1 }
      collect(data.subarray(from, to), within)
      state.left = within.left
    } else if (Object.values(ids).some((wanted) => wanted === id)) {
      state.found.push({ id, value: valueOf(id, data.subarray(from, to)) })
    }
    at = to
  }
}

/** RFC 8794, 4: as many bytes as there are zeros in front of the first bit that is set, and one. */
const lengthOf = (first: number | undefined): number => (first ? Math.clz32(first) - 23 : 9)

function sizeAt(data: Buffer, at: number, length: number): number | undefined {
  const mask = 0xff >> length
  let size = (data[at] ?? 0) & mask
  let isUnknown = size === mask
  for (let index = 1; index < length; index++) {
    const byte = data[at + index] ?? 0
    size = size * 256 + byte
    isUnknown &&= byte === 0xff
  }
  return isUnknown ? undefined : size
}

function valueOf(id: number, content: Buffer): number {
  if (id !== ids.duration) return content.length > 0 && content.length <= 6 ? content.readUIntBE(0, content.length) : 0
  if (content.length === 4) return content.readFloatBE(0)
  return content.length === 8 ? content.readDoubleBE(0) : 0
}
