import type { JsonObject } from '../domain/json.ts'
import type { PackedSegments } from '../domain/segments.ts'
import type { ByteRange } from './object-store.ts'

/** What a recipe makes. The same recipe on the same bytes gives the same rendition id, at both sites. */
export interface Recipe {
  /** For instance `image-webp-640`, `video-h264-720`, `poster`, `waveform`. */
  readonly name: string
  /** Raised whenever the output of this recipe changes. */
  readonly version: number
  readonly options: JsonObject
}

export interface ConversionSource {
  /** A local file holding the verified original; read-only for the converter. */
  readonly path: string
  readonly mediaType: string
  readonly bytes: number
  /** The file is as long as the original, and holds only what `FilmMaker` asked for: the rest are holes. */
  readonly isOutline?: true
  /** The JSON Schema that the rows of a data file are held to; asked for when it is one. */
  readonly rowSchema?: () => Promise<JsonObject | undefined>
}

export interface ConvertedFile {
  readonly recipe: Recipe
  /** A file in the work folder that the caller gave; the caller removes it. */
  readonly path: string
  readonly mediaType: string
  readonly bytes: number
  /** width, height, durationMs, ... as far as they apply. */
  readonly properties: JsonObject
  /** A track of an adaptive stream: where its segments lie in the file. */
  readonly segments?: PackedSegments
}

export interface Inspection {
  /** The true type, found from the bytes. */
  readonly mediaType: string
  readonly kind: 'image' | 'video' | 'audio' | 'data' | 'document' | 'other'
  /** width, height, orientation, durationMs, codecs, pages, frames, thumbhash, exif ... */
  readonly properties: JsonObject
  /** What to make of it. */
  readonly recipes: readonly Recipe[]
}

/**
 * Looks at and converts one local file. Hostile input is the normal case.
 * Throws `invalid-media` with a reason a user understands; `timed-out` past its limits.
 */
export interface MediaConverter {
  /** Absent where films are made in one go, however long they are. */
  readonly film?: FilmMaker
  inspect(source: ConversionSource, signal: AbortSignal): Promise<Inspection>
  /** Makes all recipes in one go (they share decoding). `onProgress` takes 0 to 1. */
  convert(source: ConversionSource, inspection: Inspection, options: ConvertOptions): Promise<readonly ConvertedFile[]>
}

export interface ConvertOptions {
  readonly workFolder: string
  readonly signal: AbortSignal
  readonly onProgress?: (fraction: number) => void
}

/** A film that takes longer than one run of a worker may: it is made in parts, at several workers, and joined. */
export type FilmPlan = {
  recipes: FilmRecipe[]
  /** All can be made at once; their order is that of the film. */
  parts: FilmPart[]
}

type FilmRecipe = { readonly name: string; readonly version: number; readonly options: JsonObject }

export type FilmPart =
  /** What needs no encoding of the film: a frame, its captions, a copy. */
  | { readonly kind: 'extras' }
  /** The whole sound: cut, it would click. Of how many channels, tells how its loudness is measured. */
  | { readonly kind: 'sound'; readonly channels?: number }
  | PicturePart

/** The frames shown from `fromUs` on and before `toUs`, by the film's own clock in microseconds; ends without them are open. */
export type PicturePart = {
  readonly kind: 'picture'
  readonly fromUs?: number
  readonly toUs?: number
  /** When its first frame is shown, by the film's own clock, and after the film's beginning. */
  readonly firstUs: number
  readonly atUs: number
  readonly frames: number
}

export interface JoinedFilm {
  readonly files: readonly ConvertedFile[]
  /** Of the film, besides those of its inspection. */
  readonly properties: JsonObject
}

export interface FilmMaker {
  /**
   * The ranges of an original that tell where everything lies in it, found by small reads; undefined where it takes the whole file. Put
   * in their places in a file that is otherwise empty, they are an outline.
   */
  outline(bytes: number, read: (range: ByteRange) => Promise<Uint8Array>): Promise<readonly ByteRange[] | undefined>
  /**
   * What lacks in an outline, in order: to inspect and plan, or to make a part. Undefined where it takes the whole file.
   */
  needs(
    outline: ConversionSource,
    wanted: { readonly plan: FilmPlan; readonly part: FilmPart } | undefined,
    signal: AbortSignal,
  ): Promise<readonly ByteRange[] | undefined>
  /**
   * Undefined when the film can be made in one go, or of an outline cannot be made. Deterministic: the same bytes and recipes give the
   * same plan.
   */
  plan(source: ConversionSource, inspection: Inspection, signal: AbortSignal): Promise<FilmPlan | undefined>
  /** Makes one part. Its files are for `join` alone. Throws `invalid-media` for an outline that other bytes are read of than were put there. */
  make(
    source: ConversionSource,
    plan: FilmPlan,
    part: FilmPart,
    options: ConvertOptions,
  ): Promise<readonly ConvertedFile[]>
  /**
   * Makes the renditions of the parts' files, without encoding the film again, and tells what only its parts found. Asks for each file
   * once, and removes it.
   */
  join(
    plan: FilmPlan,
    fetch: (part: number, recipe: string) => Promise<ConvertedFile | undefined>,
    options: ConvertOptions,
  ): Promise<JoinedFilm>
}
