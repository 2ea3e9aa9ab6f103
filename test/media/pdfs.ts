import { deflateSync } from 'node:zlib'

const latin = (text: string): Buffer => Buffer.from(text, 'latin1')

/** An object of a PDF, numbered from 1 in their order (ISO 32000-1, 7.3). */
export type PdfObject = string | Buffer

export interface PdfParts {
  readonly objects: readonly PdfObject[]
  /** Entries of the trailer besides its size and root, which is object 1. */
  readonly trailer?: string
}

/** A PDF with a table of where its objects lie, as ISO 32000-1, 7.5 has it. */
export function pdfOf({ objects, trailer = '' }: PdfParts): Buffer {
  const parts: Buffer[] = [latin('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n')]
  const places: number[] = []
  let at = parts[0]?.length ?? 0
  for (const [index, content] of objects.entries()) {
    const object = Buffer.concat([latin(`${index + 1} 0 obj\n`), Buffer.from(content), latin('\nendobj\n')])
    places.push(at)
    at += object.length
    parts.push(object)
  }
  const rows = places.map((place) => `${String(place).padStart(10, '0')} 00000 n \n`)
  const size = objects.length + 1
  const table = `xref\n0 ${size}\n0000000000 65535 f \n${rows.join('')}`
  const end = `${table}trailer\n<< /Size ${size} /Root 1 0 R ${trailer} >>\nstartxref\n${at}\n%%EOF\n`
  return Buffer.concat([...parts, latin(end)])
}

/** `entries` go into its dictionary. */
export const streamOf = (data: Buffer | string, entries = ''): Buffer => {
  const bytes = Buffer.from(data)
  return Buffer.concat([latin(`<< /Length ${bytes.length} ${entries} >>\nstream\n`), bytes, latin('\nendstream')])
}

export const packedStream = (data: Buffer | string, entries = ''): Buffer =>
  streamOf(deflateSync(data), `/Filter /FlateDecode ${entries}`)

export interface PagesWanted {
  /** What each page draws. */
  readonly pages: readonly string[]
  /** In points. */
  readonly size?: readonly [width: number, height: number]
  /** Entries of the catalog, of each page, and of the trailer. */
  readonly catalog?: string
  readonly page?: string
  readonly trailer?: string
  /** What they name; the first is object 4. */
  readonly more?: readonly PdfObject[]
}

/** Pages that know one font, `F`, and what `page` adds. */
export function pagesPdf({
  pages,
  size = [595, 842],
  catalog = '',
  page = '',
  trailer,
  more = [],
}: PagesWanted): Buffer {
  const first = 4 + more.length
  const kids = pages.map((_, index) => `${first + 2 * index} 0 R`)
  const objects: PdfObject[] = [
    `<< /Type /Catalog /Pages 2 0 R ${catalog} >>`,
    `<< /Type /Pages /Count ${pages.length} /Kids [${kids.join(' ')}] >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    ...more,
    ...pages.flatMap((content, index) => [
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${size.join(' ')}] /Contents ${first + 2 * index + 1} 0 R` +
        ` /Resources << /Font << /F 3 0 R >> >> ${page} >>`,
      packedStream(latin(content)),
    ]),
  ]
  return pdfOf({ objects, ...(trailer !== undefined && { trailer }) })
}

/** Draws lines of text from the top of the page. */
export const lines = (...texts: readonly string[]): string =>
  `BT /F 24 Tf 30 TL 72 770 Td ${texts.map((text) => `(${text.replaceAll(/[()\\]/g, '\\$&')}) Tj T*`).join(' ')} ET\n`

/** A red stretch above a white one. */
export const letter = (): Buffer =>
  pagesPdf({
    pages: [
      `1 0 0 rg 0 421 595 421 re f 0 g ${lines('Two hulls', 'One deck (caf\xe9) exam-')}`,
      lines('The second page'),
    ],
    more: ['<< /Title (Two hulls) /Author <FEFF004C00E90061> >>'],
    trailer: '/Info 4 0 R',
  })
