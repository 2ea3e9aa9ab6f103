import { offerStatesMax } from '../domain/limits.ts'

/** Runs of the items of at most `size`: as many as go to the peer, or are read from the store, at once. */
export function* chunksOf<Item>(items: readonly Item[], size = offerStatesMax): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
