import type { JsonObject } from '../domain/json.ts'
import { openInput } from './track-probe.ts'

interface Tags {
  /** title, artist, album, ... as far as they are there. */
  readonly shown: JsonObject
  /** The front cover, else the first picture: JPEG or PNG, not decoded yet. */
  readonly cover?: Uint8Array
}

const tagCharsMax = 300
const coverBytesMax = 20 * 1024 ** 2
const coverTypes = new Set(['image/jpeg', 'image/jpg', 'image/png'])

/** What a sound file says of itself. Never throws: what cannot be read is not there. Comments and lyrics are left alone. */
export async function readTags(path: string): Promise<Tags> {
  try {
    using input = openInput(path)
    const {
      title,
      artist,
      album,
      albumArtist,
      genre,
      trackNumber,
      discNumber,
      date,
      images = [],
    } = await input.getMetadataTags()
    const shown: JsonObject = {}
    for (const [name, value] of Object.entries({ title, artist, album, albumArtist, genre })) {
      const text = value
        ?.replaceAll(/\p{Cc}/gu, ' ')
        .trim()
        .slice(0, tagCharsMax)
      if (text) shown[name] = text
    }
    if (isCount(trackNumber)) shown['track'] = trackNumber
    if (isCount(discNumber)) shown['disc'] = discNumber
    const year = date?.getUTCFullYear()
    if (year !== undefined && year > 1000 && year < 10_000) shown['year'] = year
    const pictures = images.filter(({ mimeType, data }) => coverTypes.has(mimeType) && data.length <= coverBytesMax)
    const cover = pictures.find(({ kind }) => kind === 'coverFront') ?? pictures[0]
    return { shown, ...(cover && { cover: cover.data }) }
  } catch {
    return { shown: {} }
  }
}

const isCount = (value: number | undefined): value is number =>
  value !== undefined && Number.isSafeInteger(value) && value > 0 && value < 10_000
