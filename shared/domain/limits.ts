/** The most bytes of canonical JSON a client's record may hold. */
export const clientBodyBytesMax = 350_000

/** Where a record merges by field: what the two sites wrote while apart may end up side by side in one body. */
export const fieldBodyBytesMax = clientBodyBytesMax / 2

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

export const recordIdBytesMax = 256

/** A site item's value, as stored text in UTF-8 bytes. */
export const siteItemBytesMax = 390_000

/** Twice this is what the narrowest store's id holds, and encoding an id at most doubles it (see sortableId). */
export const siteIdBytesMax = 511

/** Before base64: the narrowest queue takes 64 KiB of base64. */
export const jobMessageBytesMax = 48 * 1024

/** The longest page of any list. */
export const pageItemsMax = 1_000
