/** Time and chance, injected so that the simulator can own both. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number
  /** Never goes back. */
  monotonicMs(): number
  /** Rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface Random {
  /** `bytes` random bytes. */
  bytes(bytes: number): Uint8Array
  /** Evenly spread in [0, 1). */
  fraction(): number
}
