import type { JsonObject } from '../domain/json.ts'
import type { HeifFound, HeifWanted } from './heif-reading.ts'
import type { Joining } from './join-track.ts'
import type { PageDrawn, PageWanted, PdfFound, PdfText } from './pdf-reading.ts'
import type { Tracks } from './track-probe.ts'

/** What a reader is asked, a line of JSON each. */
export type ReaderRequest =
  | { readonly ask: 'tracks'; readonly path: string }
  /** With `coverTo` the cover is written there, as it is in the file. */
  | { readonly ask: 'tags'; readonly path: string; readonly coverTo?: string }
  | { readonly ask: 'remux'; readonly path: string; readonly target: string }
  | { readonly ask: 'frames'; readonly path: string }
  | ({ readonly ask: 'join' } & Joining)
  | { readonly ask: 'pdf'; readonly path: string }
  /** Draws its first page into `target`, as `drawFirstPage` has it. */
  | ({ readonly ask: 'pdf-page'; readonly path: string; readonly target: string } & PageWanted)
  | { readonly ask: 'pdf-text'; readonly path: string; readonly target: string }
  | ({ readonly ask: 'heif' } & HeifWanted)

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
  readonly pdf: PdfFound
  readonly 'pdf-page': PageDrawn
  readonly 'pdf-text': PdfText
  readonly heif: HeifFound
}

/** What a reader says, a line of JSON each: that it is ready, how far it is, and one result or failure a request. */
export type ReaderAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly fraction: number }
  | { readonly kind: 'result'; readonly value?: ReaderResults[keyof ReaderResults] }
  /** `code` is that of a CatamaranError, or of the system. */
  | { readonly kind: 'failure'; readonly isOurs: boolean; readonly code: string; readonly message: string }
