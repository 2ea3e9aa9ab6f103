import { peerOf, type Site } from '../../shared/domain/site.ts'

/** Before the backup, after it, and while the site is away: then its peer goes on alone. */
export type Chapter = 'before' | 'after' | 'alone'

/** To write is to edit, or to make anew what was deleted. */
export type Verb = 'write' | 'delete' | 'undelete'

/** `home` is where the thing was made, `lost` the site that goes back to its backup. */
type Place = 'home' | 'other' | 'lost' | 'peer'

/** What becomes of one record or asset. */
export interface Story {
  /** The chapter in which it is made. */
  readonly born: Chapter
  /** Made by POST with an idempotency key, and its id follows from that. */
  readonly isPosted?: boolean
  /** Edited once more at the site that came back, by somebody who has seen the backup's version and none after it. */
  readonly isWrittenUnseen?: boolean
  readonly deeds?: Partial<Readonly<Record<Chapter, readonly `${Verb} ${Place}`[]>>>
}

/** Each is played by as many records, half of which were made at either site. */
export const recordStories: readonly Story[] = [
  { born: 'before' },
  { born: 'before', deeds: { after: ['write home'] } },
  { born: 'before', deeds: { after: ['write other'] } },
  { born: 'before', deeds: { after: ['write home', 'write other', 'write home'] } },
  { born: 'before', deeds: { after: ['delete home'] } },
  { born: 'before', deeds: { after: ['delete other'] } },
  { born: 'before', deeds: { before: ['delete home'] } },
  { born: 'before', deeds: { before: ['delete home'], after: ['undelete home'] } },
  { born: 'before', deeds: { before: ['delete other'], after: ['undelete other'] } },
  { born: 'before', deeds: { before: ['delete home'], after: ['undelete home', 'delete other'] } },
  { born: 'before', deeds: { after: ['delete home', 'write other'] } },
  { born: 'before', deeds: { after: ['write lost'], alone: ['write peer'] } },
  { born: 'before', deeds: { after: ['write lost'], alone: ['delete peer'] } },
  { born: 'before', deeds: { after: ['write lost'] }, isWrittenUnseen: true },
  { born: 'after' },
  { born: 'after', isPosted: true },
  { born: 'after', deeds: { after: ['delete home'] } },
]

/** Each is played by one asset of either site. */
export const assetStories: readonly Story[] = [
  { born: 'before' },
  { born: 'before', deeds: { after: ['write home'] } },
  { born: 'before', deeds: { after: ['delete home'] } },
  { born: 'before', deeds: { after: ['delete other'] } },
  { born: 'before', deeds: { before: ['delete home'], after: ['undelete home'] } },
  { born: 'before', deeds: { alone: ['delete peer'] } },
  { born: 'after' },
  { born: 'after', deeds: { after: ['write other'] } },
]

/** What a thing's story has in a chapter, with the site at which it happens. */
export function deedsOf(story: Story, chapter: Chapter, home: Site, lost: Site): (readonly [Verb, Site])[] {
  const places: Readonly<Record<Place, Site>> = { home, other: peerOf(home), lost, peer: peerOf(lost) }
  return (story.deeds?.[chapter] ?? []).map((deed) => {
    const [verb, place] = deed.split(' ') as [Verb, Place]
    return [verb, places[place]]
  })
}
