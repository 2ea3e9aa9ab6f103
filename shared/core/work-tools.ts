import type { Analysis } from '../ports/analysis.ts'
import type { MediaConverter } from '../ports/media-converter.ts'
import type { Outbound } from '../ports/outbound.ts'

/** As much of `fetch` as it takes to read a range: the platform's own will do. */
export type RangeFetch = (
  url: string,
  init: { readonly headers: Record<string, string>; readonly signal: AbortSignal },
) => Promise<{
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly body: (AsyncIterable<Uint8Array> & { cancel(): Promise<void> }) | null
}>

/** What long work needs beyond the services: the function that runs jobs brings it. */
export interface WorkTools {
  readonly converter: MediaConverter
  /** Looks at pictures, where the site has a service for it. */
  readonly analysis?: Analysis | undefined
  /** A fresh empty folder on the local disk. */
  workFolder(): Promise<{ readonly path: string; remove(): Promise<void> }>
  /** For reading from the peer's store by granted URLs. */
  readonly fetch: (
    url: string,
    init: { readonly headers: Record<string, string>; readonly signal: AbortSignal },
  ) => Promise<Response>
  /** The same for many ranges of a large object; `fetch` unless told. */
  readonly fetchRange?: RangeFetch
  /** To addresses that users named. */
  readonly outbound: Outbound
  /** Larger objects are copied, and files from elsewhere stored, in parts of at least this many bytes; 8 MiB unless told. */
  readonly copyPartBytes?: number
  /** Objects of at most this many bytes are first copied as if nothing would stop that; 1 GiB unless told. */
  readonly oneGoBytesMax?: number
  /** Of a file larger than the disk, so many bytes are read between two checkpoints at most; 4 GiB unless told. */
  readonly readStepBytes?: number
  /** The disk that work folders are on, as it is now. */
  readonly workDisk?: () => Promise<{ readonly totalBytes: number; readonly freeBytes: number }>
  /** Larger files are kept and verified, but not converted: the local disk is bounded. */
  readonly workFileBytesMax?: number
}
