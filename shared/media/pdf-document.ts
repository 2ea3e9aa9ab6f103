import { readFile } from 'node:fs/promises'
import { documentBytesMax, documentMemoryBytesMax } from './limits.ts'
import { loadPdfium, type Pdfium } from './pdfium.ts'
import { invalidMedia, overLimit } from './reasons.ts'
import { webAssembly } from './web-assembly.ts'

/** What PDFium calls when it does not open a document (fpdfview.h: `FPDF_ERR_*`). */
const [wrongPassword, unknownSecurity] = [4, 5]
/** Where the mark of the end is looked for: servers and mail programs add to what they pass on. */
const tailBytes = 64 * 1024

/** An opened PDF. `locked` is what nobody reads without its password. */
export type PdfDocument = { readonly kind: 'locked' } | OpenPdf

export interface OpenPdf {
  readonly kind: 'open'
  readonly pages: number
  /** Calls `work` with PDFium and the document. What breaks PDFium throws `invalid-media`. */
  use<Result>(work: (pdfium: Pdfium, document: number) => Result): Result
  /** Calls `work` with a page, counted from 0, and lets go of it. Undefined when the page cannot be read. */
  usePage<Result>(page: number, work: (pdfium: Pdfium, page: number) => Result): Result | undefined
}

/** Opens the document with PDFium, which knows neither scripts nor forms nor files. Throws `invalid-media`. */
export async function openPdf(path: string): Promise<PdfDocument> {
  const file = await readFile(path)
  if (file.length > documentBytesMax) throw invalidMedia('The PDF is too large to be read')
  if (!/%%EOF|startxref/.test(file.toString('latin1', Math.max(0, file.length - tailBytes)))) {
    throw invalidMedia('The PDF is cut off: it has no end')
  }
  const pdfium = await loadPdfium(documentMemoryBytesMax)
  const use: OpenPdf['use'] = (work) => guarded(pdfium, () => work(pdfium, document))
  const document = guarded(pdfium, () => pdfium.call('FPDF_LoadMemDocument64', pdfium.put(file), file.length, 0))
  if (document === 0) {
    const fault = pdfium.call('FPDF_GetLastError')
    if (fault === wrongPassword || fault === unknownSecurity) return { kind: 'locked' }
    throw invalidMedia('The PDF is damaged: nothing can be read of it')
  }
  const pages = use(() => pdfium.call('FPDF_GetPageCount', document))
  if (pages <= 0) throw invalidMedia('The PDF is damaged: it has no pages')
  return {
    kind: 'open',
    pages,
    use,
    usePage: (index, work) =>
      use(() => {
        const page = pdfium.call('FPDF_LoadPage', document, index)
        if (page === 0) return undefined
        const result = work(pdfium, page)
        pdfium.call('FPDF_ClosePage', page)
        return result
      }),
  }
}

/** Where PDFium has no more memory it stops, or leaves out what does not fit: neither is what the document says. */
function guarded<Result>(pdfium: Pdfium, work: () => Result): Result {
  const enough = (): void => {
    if (pdfium.hasRunOut()) throw overLimit('Reading the PDF', 'memory')
  }
  try {
    const result = work()
    enough()
    return result
  } catch (error) {
    enough()
    throw isTrap(error) ? invalidMedia('The PDF is damaged in a way that nobody can read', error) : error
  }
}

const isTrap = (error: unknown): boolean =>
  error instanceof webAssembly.RuntimeError ||
  error instanceof RangeError ||
  (error instanceof Error && error.message.startsWith('PDFium'))
