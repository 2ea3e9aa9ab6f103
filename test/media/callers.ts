import { lines, pagesPdf, streamOf } from './pdfs.ts'
import { be32, box, latin } from './boxes.ts'

/** A file that asks whoever opens it to open something else: the address, or a path on this machine. */
interface Caller {
  readonly name: string
  /** What it really is. */
  readonly type: string
  readonly bytes: Buffer
}

/** A track whose samples lie elsewhere (ISO/IEC 14496-12, 8.7.2: a `url ` without the flag for the same file; or an alias). */
function elsewhere(brand: string, reference: Buffer): Buffer {
  const table = [
    box(
      'stsd',
      be32(0, 1),
      box('avc1', Buffer.alloc(6), Buffer.from([0, 1]), Buffer.alloc(16), be32(0x00400030), Buffer.alloc(50)),
    ),
    box('stts', be32(0, 1, 10, 100)),
    box('stsc', be32(0, 1, 1, 10, 1)),
    box('stsz', be32(0, 100, 10)),
    box('stco', be32(0, 1, 0)),
  ]
  const media = box(
    'minf',
    box('vmhd', be32(1), Buffer.alloc(8)),
    box('dinf', box('dref', be32(0, 1), reference)),
    box('stbl', ...table),
  )
  const header = box('mdhd', be32(0, 0, 0, 1_000, 1_000, 0))
  const handler = box('hdlr', be32(0, 0), latin('vide'), Buffer.alloc(13))
  const track = box(
    'trak',
    box('tkhd', Buffer.alloc(76), be32(64 << 16, 48 << 16)),
    box('mdia', header, handler, media),
  )
  const movie = box('moov', box('mvhd', be32(0, 0, 0, 1_000, 1_000), Buffer.alloc(80)), track)
  return Buffer.concat([box('ftyp', latin(brand), be32(0)), movie, box('mdat', Buffer.alloc(64))])
}

/** ID3v2.3 in front of silence: frames whose content is a link, and a picture that is one (`-->`, 4.15). */
function linkedSound(link: string): Buffer {
  const frame = (name: string, content: string): Buffer => {
    const body = latin(content)
    return Buffer.concat([latin(name), be32(body.length), Buffer.alloc(2), body])
  }
  const frames = Buffer.concat([
    frame('APIC', `\0-->\0\x03\0${link}`),
    frame('WXXX', `\0\0${link}`),
    frame('WOAS', link),
    frame('LINK', `APC${link}\0`),
  ])
  const size = Buffer.from([21, 14, 7, 0].map((shift) => (frames.length >> shift) & 127))
  const silence = Buffer.concat([Buffer.from('fffb9064', 'hex'), Buffer.alloc(413)])
  return Buffer.concat([latin('ID3\x03\0\0'), size, frames, ...Array.from({ length: 40 }, () => silence)])
}

/** A FLAC whose picture is a link (RFC 9639, 8.8: the media type `-->`). */
function linkedFlac(link: string): Buffer {
  const text = (value: string): Buffer => Buffer.concat([be32(value.length), latin(value)])
  const picture = Buffer.concat([be32(3), text('-->'), text(''), be32(1, 1, 24, 0), text(link)])
  const about = Buffer.concat([Buffer.from('100010000000000000000ac440f0', 'hex'), Buffer.alloc(20)])
  const block = (type: number, data: Buffer): Buffer => Buffer.concat([be32((type << 24) | data.length), data])
  return Buffer.concat([latin('fLaC'), block(0, about), block(0x86, picture), Buffer.alloc(64)])
}

const svg = (inside: string, before = ''): string =>
  `${before}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 8 8">${inside}</svg>`

/** A PDF that opens, runs, fetches and embeds, and whose page lies elsewhere (ISO 32000-1, 7.11, 12.6 and 7.3.8). */
function callingPdf(link: string): Buffer {
  const elsewhere = `<< /Type /Filespec /FS /URL /F (${link}) /EF << /F 7 0 R >> >>`
  return pagesPdf({
    pages: [lines('Two hulls')],
    catalog:
      '/OpenAction 4 0 R /Names << /JavaScript << /Names [(a) 5 0 R] >> /EmbeddedFiles << /Names [(f) 8 0 R] >> >> ' +
      '/AcroForm << /Fields [] /XFA 7 0 R >>',
    page: '/AA << /O 6 0 R >> /Annots [9 0 R] /B 10 0 R',
    more: [
      `<< /S /URI /URI (${link}) >>`,
      `<< /S /JavaScript /JS (app.launchURL\\("${link}"\\)) >>`,
      `<< /S /GoToR /F ${elsewhere} /Next << /S /SubmitForm /F ${elsewhere} >> >>`,
      streamOf(`<xdp href="${link}"/>`),
      elsewhere,
      `<< /Type /Annot /Subtype /Link /Rect [0 0 595 842] /A 4 0 R /AP << /N 10 0 R >> >>`,
      streamOf('', `/Type /XObject /Subtype /Form /BBox [0 0 9 9] /F ${elsewhere}`),
    ],
  })
}

/** Everything that is known to call, with one link in it. */
export function callersOf(link: string): Caller[] {
  const text = (name: string, type: string, content: string): Caller => ({ name, type, bytes: latin(content) })
  const port = new URL(link, 'http://127.0.0.1').port || '9'
  return [
    text(
      'HLS',
      'application/vnd.apple.mpegurl',
      `#EXTM3U\n#EXT-X-MAP:URI="${link}"\n#EXTINF:4,\n${link}\n#EXT-X-ENDLIST\n`,
    ),
    text(
      'HLS with a key',
      'video/mp4',
      `#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="${link}"\n#EXTINF:4,\ncrypto+${link}\n#EXT-X-ENDLIST\n`,
    ),
    {
      name: 'HLS in an MP4',
      type: 'video/mp4',
      bytes: Buffer.concat([
        box('ftyp', latin('isom'), be32(0)),
        box('mdat', latin(`\n#EXTM3U\n#EXTINF:4,\n${link}\n`)),
      ]),
    },
    text('DASH', 'application/dash+xml', `<MPD><Period><BaseURL>${link}</BaseURL></Period></MPD>`),
    text('concat', 'video/mp4', `ffconcat version 1.0\nfile '${link}'\n`),
    text('concat of a protocol', 'video/mp4', `ffconcat version 1.0\nfile 'concat:${link}|${link}'\n`),
    text('SDP', 'application/sdp', `v=0\nc=IN IP4 127.0.0.1\nm=video ${port} RTP/AVP 96\na=control:${link}\n`),
    text('PLS', 'audio/x-scpls', `[playlist]\nFile1=${link}\nNumberOfEntries=1\n`),
    text(
      'XSPF',
      'application/xspf+xml',
      `<playlist><trackList><track><location>${link}</location></track></trackList></playlist>`,
    ),
    text('ASX', 'video/x-ms-asf', `<ASX><ENTRY><REF HREF="${link}"/></ENTRY></ASX>`),
    text('SMIL', 'application/smil', `<smil><body><video src="${link}"/></body></smil>`),
    {
      name: 'MP4 with samples elsewhere',
      type: 'video/mp4',
      bytes: elsewhere('isom', box('url ', be32(0), latin(`${link}\0`))),
    },
    {
      name: 'MOV with samples elsewhere',
      type: 'video/quicktime',
      bytes: elsewhere('qt  ', box('rsrc', be32(0), latin(link))),
    },
    { name: 'MP3 with links', type: 'audio/mpeg', bytes: linkedSound(link) },
    { name: 'FLAC with a linked picture', type: 'audio/flac', bytes: linkedFlac(link) },
    text(
      'SVG with an entity',
      'image/svg+xml',
      svg('<text>&x;</text>', `<!DOCTYPE svg [<!ENTITY x SYSTEM "${link}">]>`),
    ),
    text(
      'SVG with references',
      'image/svg+xml',
      svg(
        `<image href="${link}"/><use xlink:href="${link}#a"/><feImage href="${link}"/><style>@import "${link}"</style><rect fill="url(${link}#a)"/>`,
        `<?xml-stylesheet type="text/xsl" href="${link}"?><!DOCTYPE svg PUBLIC "x" "${link}">`,
      ),
    ),
    text(
      'XSLT',
      'application/xml',
      `<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:import href="${link}"/><xsl:variable name="x" select="document('${link}')"/></xsl:stylesheet>`,
    ),
    text(
      'HTML',
      'text/html',
      `<!DOCTYPE html><html><body><img src="${link}"><script src="${link}"></script></body></html>`,
    ),
    { name: 'PDF', type: 'application/pdf', bytes: callingPdf(link) },
    text(
      'WebVTT',
      'text/vtt',
      `WEBVTT\n\nSTYLE\n::cue { background: url(${link}) }\n\n00:00.000 --> 00:01.000\n<img src="${link}">a\n`,
    ),
    text('CSV of formulas', 'text/csv', `a,b\n=WEBSERVICE("${link}"),=HYPERLINK("${link}")\n1,2\n`),
    text('JSON of references', 'application/json', JSON.stringify([{ $ref: link, $schema: link }])),
  ]
}
