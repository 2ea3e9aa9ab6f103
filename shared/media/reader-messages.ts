import type { JsonObject } from '../domain/json.ts'
import type { Joining } from './join-track.ts'
import type { Tracks } from './track-probe.ts'

/** What a reader is asked, a line of JSON each. */
export type ReaderRequest =
  | { readonly ask: 'tracks'; readonly path: string }
  /** With `coverTo` the cover is written there, as it is in the file. */
  | { readonly ask: 'tags'; readonly path: string; readonly coverTo?: string }
  | { readonly ask: 'remux'; readonly path: string; readonly target: string }
  | { readonly ask: 'frames'; readonly path: string }
  | ({ readonly ask: 'join' } & Joining)

export interface TagsFound {
  /** title, artist, album, ... as far as they are there. */
  readonly shown: JsonObject
  readonly hasCover: boolean
}

export interface FramesFound {
  readonly frames: number
}

/** What each is answered with. */
export interface ReaderResults {
  readonly tracks: Tracks | undefined
  readonly tags: TagsFound
  readonly remux: undefined
  readonly frames: FramesFound
  readonly join: FramesFound
}

/** What a reader says, a line of JSON each: that it is ready, how far it is, and one result or failure a request. */
export type ReaderAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly fraction: number }
  | { readonly kind: 'result'; readonly value?: ReaderResults[keyof ReaderResults] }
  /** `code` is that of a CatamaranError, or of the system. */
  | { readonly kind: 'failure'; readonly isOurs: boolean; readonly code: string; readonly message: string }
