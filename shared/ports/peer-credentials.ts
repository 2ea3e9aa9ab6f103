/** A token with which this site shows the other one who it is. */
export interface PeerToken {
  /** A JSON web token (RFC 7519). */
  readonly text: string
  readonly expiresAtMs: number
}

/** Where such tokens come from: this cloud's own identity service, or a key of the site's own. */
export interface PeerCredentials {
  /** A fresh token. Throws `unavailable` when none is to be had now. */
  token(): Promise<PeerToken>
}
