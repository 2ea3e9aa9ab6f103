// Taken out once: inside a sandbox every look at a global costs a call.
const { floor, imul } = Math

/** The same numbers in [0, 1) for the same seed, on every machine (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export const pick = <Item>(items: readonly [Item, ...Item[]], fraction: number): Item =>
  items[floor(fraction * items.length)] ?? items[0]
