import { isPlain, type CaptionTrack, type PictureTrack, type Stream, type Track } from './stream.ts'

export const dashType = 'application/dash+xml'

/** Where a track's file is, as far as this manifest's readers need to know. */
export type UrlOf = (track: Track | CaptionTrack) => string

/** The manifest of the on-demand profile (ISO/IEC 23009-1, 8.3): players read each file's own index. */
export function dashManifest({ pictures, sound, captions, seconds }: Stream, urlOf: UrlOf): string {
  const plain = pictures.filter(isPlain)
  const others = Object.values(Object.groupBy(pictures, codecName)).filter((set) => set && !set.some(isPlain))
  const sets = [
    ...pictureSet(plain, urlOf, 1),
    ...(sound
      ? [
          '<AdaptationSet id="2" contentType="audio" segmentAlignment="true" subsegmentAlignment="true" subsegmentStartsWithSAP="1">',
          representation(sound, urlOf(sound), 'audio/mp4', ' audioSamplingRate="48000"'),
          '</AdaptationSet>',
        ]
      : []),
    ...captions.map((track, index) => captionSet(track, urlOf(track), index + 3)),
    ...others.flatMap((set, index) => pictureSet(set ?? [], urlOf, captions.length + 3 + index)),
  ]
  const text = `<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" type="static" minBufferTime="PT4S" mediaPresentationDuration="PT${seconds.toFixed(3)}S">
<Period id="0">
${sets.join('\n')}
</Period>
</MPD>
`
  return text
}

/** `hvc1.1.6.L93.90` is one of `hvc1`. */
const codecName = ({ codec }: Track): string => codec.split('.')[0] ?? codec

/** Rungs that a player may change between: of one codec. */
const pictureSet = (pictures: readonly PictureTrack[], urlOf: UrlOf, id: number): string[] => [
  `<AdaptationSet id="${id}" contentType="video" segmentAlignment="true" subsegmentAlignment="true" subsegmentStartsWithSAP="1" maxWidth="${largest(pictures, 'width')}" maxHeight="${largest(pictures, 'height')}">`,
  ...pictures.map((picture) => representation(picture, urlOf(picture), 'video/mp4', pictureAttributes(picture))),
  '</AdaptationSet>',
]

const largest = (pictures: readonly PictureTrack[], side: 'width' | 'height'): number =>
  Math.max(0, ...pictures.map((picture) => picture[side]))

const captionSet = ({ rendition, language }: CaptionTrack, url: string, id: number): string =>
  [
    `<AdaptationSet id="${id}" contentType="text" mimeType="text/vtt" lang="${language}">`,
    '<Role schemeIdUri="urn:mpeg:dash:role:2011" value="subtitle"/>',
    `<Representation id="${rendition.name}" bandwidth="256"><BaseURL>${escaped(url)}</BaseURL></Representation>`,
    '</AdaptationSet>',
  ].join('')

const pictureAttributes = ({ width, height, framesPerSecond }: PictureTrack): string =>
  ` width="${width}" height="${height}"${framesPerSecond === undefined ? '' : ` frameRate="${fraction(framesPerSecond)}"`}`

/** DASH wants whole numbers: 29.97 is 29970/1000. */
const fraction = (rate: number): string => (Number.isInteger(rate) ? String(rate) : `${Math.round(rate * 1000)}/1000`)

function representation(track: Track, url: string, mimeType: string, more: string): string {
  const { initBytes, indexBytes } = track.index
  return [
    `<Representation id="${track.rendition.name}" mimeType="${mimeType}" codecs="${escaped(track.codec)}" bandwidth="${track.bitsPerSecondPeak}"${more} startWithSAP="1">`,
    `<BaseURL>${escaped(url)}</BaseURL>`,
    `<SegmentBase indexRange="${initBytes}-${initBytes + indexBytes - 1}"><Initialization range="0-${initBytes - 1}"/></SegmentBase>`,
    '</Representation>',
  ].join('')
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
