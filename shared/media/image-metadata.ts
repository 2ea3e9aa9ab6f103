import exifr from 'exifr'
import type { Metadata } from 'sharp'
import type { JsonObject } from '../domain/json.ts'
import { iptcTexts } from './iptc.ts'

const textCharsMax = 500
const keywordsMax = 50
/** More than this of XMP is an editor's history, not a description. */
const xmpBytesMax = 256 * 1024

type Tags = Readonly<Record<string, unknown>>

/**
 * What a picture says of itself, from EXIF, IPTC and XMP: `exif` (camera, time, exposure), `description` (title, creator,
 * rights ...), `gps` whether it tells a place, and `location`, the place, which says where somebody lives: whoever stores
 * these properties decides whether it is kept.
 */
export async function pictureMetadata(header: Metadata): Promise<JsonObject> {
  const tags = await exifTags(header)
  const xmp = header.xmp && header.xmp.length <= xmpBytesMax ? header.xmp.toString('utf8') : ''
  const location = locationOf(tags)
  const gps = location !== undefined || Object.keys(tags).some((name) => name.startsWith('GPSL')) || /:GPSL/.test(xmp)
  const description = descriptionOf(tags, xmp, iptcTexts(header.iptc))
  return {
    ...(header.exif && { exif: cameraOf(tags) }),
    ...((header.exif || gps) && { gps }),
    ...(Object.keys(description).length > 0 && { description }),
    ...(location && { location }),
  }
}

async function exifTags({ exif }: Metadata): Promise<Tags> {
  if (!exif) return {}
  const prefixed = exif.subarray(0, 6).toString('latin1') === 'Exif\0\0'
  const tags: unknown = await exifr
    .parse(prefixed ? exif.subarray(6) : exif, { tiff: true, exif: true, gps: true, reviveValues: false })
    .catch(() => undefined)
  return typeof tags === 'object' && tags !== null ? (tags as Tags) : {}
}

function cameraOf(tags: Tags): JsonObject {
  const taken = /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)/.exec(
    textOf(tags['DateTimeOriginal']) ?? textOf(tags['ModifyDate']) ?? '',
  )
  return present({
    make: textOf(tags['Make']),
    model: textOf(tags['Model']),
    lens: textOf(tags['LensModel']),
    taken: taken
      ? `${taken[1]}-${taken[2]}-${taken[3]}T${taken[4]}${textOf(tags['OffsetTimeOriginal']) ?? ''}`
      : undefined,
    fNumber: numberOf(tags['FNumber']),
    exposureSeconds: numberOf(tags['ExposureTime']),
    iso: numberOf(tags['ISO']),
    focalLengthMm: numberOf(tags['FocalLength']),
  })
}

function locationOf(tags: Tags): JsonObject | undefined {
  const latitude = numberOf(tags['latitude'])
  const longitude = numberOf(tags['longitude'])
  if (latitude === undefined || longitude === undefined) return undefined
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return undefined
  const below = tags['GPSAltitudeRef'] === 1 || (tags['GPSAltitudeRef'] as Uint8Array | undefined)?.[0] === 1
  const altitude = numberOf(tags['GPSAltitude'])
  return present({ latitude, longitude, altitudeMetres: altitude && below ? -altitude : altitude })
}

/** The newest of the three places first: editors keep XMP, older ones IPTC, cameras EXIF. */
function descriptionOf(tags: Tags, xmp: string, iptc: ReadonlyMap<number, readonly string[]>): JsonObject {
  const first = (...found: (string | undefined)[]): string | undefined => found.find((each) => each !== undefined)
  const keywords = [...new Set([...xmpTexts(xmp, 'dc:subject'), ...(iptc.get(25) ?? [])])].slice(0, keywordsMax)
  return present({
    title: first(xmpTexts(xmp, 'dc:title')[0], iptc.get(5)?.[0]),
    text: first(xmpTexts(xmp, 'dc:description')[0], iptc.get(120)?.[0], textOf(tags['ImageDescription'])),
    creator: first(xmpTexts(xmp, 'dc:creator')[0], iptc.get(80)?.[0], textOf(tags['Artist'])),
    rights: first(xmpTexts(xmp, 'dc:rights')[0], iptc.get(116)?.[0], textOf(tags['Copyright'])),
    ...(keywords.length > 0 && { keywords }),
  })
}

/** The texts of one Dublin Core property, as items of its list. No entity but XML's own five is known, and no other markup. */
function xmpTexts(xmp: string, name: string): string[] {
  const start = xmp.indexOf(`<${name}>`)
  const end = start < 0 ? -1 : xmp.indexOf(`</${name}>`, start)
  if (end < 0) return []
  const items = xmp.slice(start, end).matchAll(/<rdf:li(?:\s[^<>]*)?>([^<]*)<\/rdf:li>/g)
  return Array.from(items, ([, text = '']) => textOf(text.replace(/&(lt|gt|quot|apos|amp);/g, entity))).filter(
    (text) => text !== undefined,
  )
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
const entity = (all: string, name: string): string => entities[name] ?? all

function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = value
    .replace(/\0.*$/s, '')
    .replace(/[\u0000-\u001f\u007f-\u009f\ufffd]+/g, ' ')
    .trim()
  return text.toWellFormed().slice(0, textCharsMax).toWellFormed() || undefined
}

const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? Number(value.toPrecision(9)) : undefined

const present = (values: Readonly<Record<string, JsonObject[string] | undefined>>): JsonObject =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as JsonObject
