/** A site is one cloud's complete stack; the peer is the other one. */
export const sites = ['aws', 'azure'] as const
export type Site = (typeof sites)[number]

export const peerOf = (site: Site): Site => (site === 'aws' ? 'azure' : 'aws')

/**
 * Where a write came from: a site, in one of its lives. A site that went back to a backup has lost writes that its peer may hold,
 * so what it writes from then on comes from another origin: `aws`, then `aws-1`, `aws-2`.
 */
export type Origin = Site | `${Site}-${number}`

export const originOf = (site: Site, incarnation = 0): Origin => (incarnation === 0 ? site : `${site}-${incarnation}`)

export const incarnationMax = 999

export const isOrigin = (text: string): text is Origin => /^(aws|azure)(-[1-9][0-9]{0,2})?$/.test(text)

/** The site that an origin is one life of. */
export const siteOf = (origin: Origin): Site => (origin.startsWith('aws') ? 'aws' : 'azure')

export const isSite = (text: string): text is Site => text === 'aws' || text === 'azure'
