import type { SegmentIndex } from '../domain/segments.ts'
import { isPlain, type PictureTrack, type Stream } from './stream.ts'

export const hlsType = 'application/vnd.apple.mpegurl'

const soundGroup = 'sound'
const captionGroup = 'captions'

/**
 * The playlist of playlists (RFC 8216); `<track>.m3u8` lies beside it. The middle rung comes first, since players begin there;
 * those that know none of the other codecs pass over them.
 */
export function masterPlaylist({ pictures, sound, captions }: Stream): string {
  const plain = pictures.filter(isPlain)
  const start = plain[Math.floor(plain.length / 2)]
  const ordered = [...pictures].sort((a, b) => Number(b === start) - Number(a === start))
  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS']
  if (sound) {
    lines.push(
      attributes('#EXT-X-MEDIA', {
        TYPE: 'AUDIO',
        'GROUP-ID': `"${soundGroup}"`,
        NAME: '"Sound"',
        DEFAULT: 'YES',
        AUTOSELECT: 'YES',
        CHANNELS: '"2"',
        URI: `"${sound.rendition.name}.m3u8"`,
      }),
    )
  }
  for (const { rendition, language } of captions) {
    lines.push(
      attributes('#EXT-X-MEDIA', {
        TYPE: 'SUBTITLES',
        'GROUP-ID': `"${captionGroup}"`,
        NAME: `"${rendition.name.replace(/^captions-/, '')}"`,
        LANGUAGE: `"${language}"`,
        DEFAULT: 'NO',
        AUTOSELECT: 'YES',
        URI: `"${rendition.name}.m3u8"`,
      }),
    )
  }
  for (const picture of ordered) lines.push(rungLine(picture, { sound, captions }), `${picture.rendition.name}.m3u8`)
  return `${lines.join('\n')}\n`
}

const rungLine = (picture: PictureTrack, { sound, captions }: Pick<Stream, 'sound' | 'captions'>): string =>
  attributes('#EXT-X-STREAM-INF', {
    BANDWIDTH: String(picture.bitsPerSecondPeak + (sound?.bitsPerSecondPeak ?? 0)),
    'AVERAGE-BANDWIDTH': String(picture.bitsPerSecond + (sound?.bitsPerSecond ?? 0)),
    CODECS: `"${[picture.codec, ...(sound ? [sound.codec] : [])].join(',')}"`,
    RESOLUTION: `${picture.width}x${picture.height}`,
    ...(picture.framesPerSecond !== undefined && { 'FRAME-RATE': picture.framesPerSecond.toFixed(3) }),
    ...(sound && { AUDIO: `"${soundGroup}"` }),
    ...(captions.length > 0 && { SUBTITLES: `"${captionGroup}"` }),
  })

const attributes = (tag: string, values: Readonly<Record<string, string>>): string =>
  `${tag}:${Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')}`

/** The playlist of one track: ranges of the one file behind `url`. */
export function trackPlaylist({ initBytes, indexBytes, timescale, segments }: SegmentIndex, url: string): string {
  const longest = Math.max(...segments.map(({ ticks }) => ticks)) / timescale
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.round(longest))}`,
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-MAP:URI="${url}",BYTERANGE="${initBytes}@0"`,
  ]
  let at = initBytes + indexBytes
  for (const { ticks, bytes } of segments) {
    lines.push(`#EXTINF:${(ticks / timescale).toFixed(6)},`, `#EXT-X-BYTERANGE:${bytes}@${at}`, url)
    at += bytes
  }
  return `${[...lines, '#EXT-X-ENDLIST'].join('\n')}\n`
}

/** The playlist of a track of text, which is one file. */
export const captionPlaylist = (seconds: number, url: string): string =>
  `${[
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${Math.ceil(seconds)}`,
    '#EXT-X-PLAYLIST-TYPE:VOD',
    `#EXTINF:${seconds.toFixed(6)},`,
    url,
    '#EXT-X-ENDLIST',
  ].join('\n')}\n`
