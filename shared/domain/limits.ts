/** The most bytes of canonical JSON a client's record may hold. */
export const clientBodyBytesMax = 350_000

/** The most bytes of a whole record state, at both sites alike: what one takes, the other can hold (DynamoDB: 400 KB). */
export const recordBytesMax = 390_000

/** The most states in one offer to the peer, and their bytes. */
export const offerStatesMax = 100
export const offerBytesMax = 1_000_000

/** A stamp further ahead of this site's clock is quarantined, not applied. */
export const stampAheadMsMax = 60_000

/** How long an idempotency key is honoured. */
export const idempotencyMs = 72 * 3_600_000

/** How long past versions and lost conflict sides are kept. */
export const historyMs = 90 * 24 * 3_600_000
