/** A site is one cloud's complete stack; the peer is the other one. */
export const sites = ['aws', 'azure'] as const
export type Site = (typeof sites)[number]

export const peerOf = (site: Site): Site => (site === 'aws' ? 'azure' : 'aws')

export const isSite = (text: string): text is Site => text === 'aws' || text === 'azure'
