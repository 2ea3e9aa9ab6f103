import type { Analysis } from '../ports/analysis.ts'
import type { MediaConverter } from '../ports/media-converter.ts'
import type { Outbound } from '../ports/outbound.ts'

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
  /** To addresses that users named. */
  readonly outbound: Outbound
  /** Larger objects are copied, and files from elsewhere stored, in parts of at least this many bytes; 8 MiB unless told. */
  readonly copyPartBytes?: number
  /** Larger files are kept and verified, but not converted: the local disk is bounded. */
  readonly workFileBytesMax?: number
}
