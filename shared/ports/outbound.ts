/** A request to an address that a user named. */
export interface OutboundRequest {
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
  /** From the connection to the last header. */
  readonly timeoutMs: number
  /** From the connection to the last byte that is read; as long as it takes unless told. */
  readonly totalMs?: number
  /** How many redirects are followed, each to be allowed by itself; none unless told. */
  readonly redirectsMax?: number
}

export interface OutboundAnswer {
  readonly status: number
  /** Lower-case names; of several of one name, the first. */
  readonly headers: Readonly<Record<string, string>>
  /** Ends with `timed-out` when nothing comes for long. Read it to its end, or cancel it. */
  readonly body: ReadableStream<Uint8Array>
}

/**
 * The way out to servers that users name, and that may be anything. Encrypted, to public addresses alone: the address that was
 * looked at is the one that is connected to. Throws `forbidden` for an address that is not allowed, `unavailable` when the server
 * cannot be reached or breaks the protocol, `timed-out`.
 */
export interface Outbound {
  request(url: string, options: OutboundRequest): Promise<OutboundAnswer>
}
