import type { FileHandle } from 'node:fs/promises'
import { readPart, withFile } from './file-parts.ts'
import { framesRefusedMin } from './limits.ts'

/** Directories that lie close together are read together. */
const windowBytes = 64 * 1024

interface Layout {
  readonly countBytes: 2 | 8
  readonly entryBytes: 12 | 20
  readonly placeBytes: 4 | 8
}

const layouts: Readonly<Record<number, Layout>> = {
  42: { countBytes: 2, entryBytes: 12, placeBytes: 4 },
  43: { countBytes: 8, entryBytes: 20, placeBytes: 8 },
}

/** How many pages a TIFF or BigTIFF has (TIFF 6.0, 2), counted up to what is refused: whoever opens one counts them all. */
export async function pagesInTiff(path: string): Promise<number> {
  return withFile(path, async (file) => {
    const head = await readPart(file, 0, 16)
    const numberOf = (bytes: Buffer, at: number, length: number): number => {
      // Places above 2^48 lie in no file.
      if (length > 6) return numberOf(bytes, head[0] === 0x4d ? at + 2 : at, 6)
      return head[0] === 0x4d ? bytes.readUIntBE(at, length) : bytes.readUIntLE(at, length)
    }
    const layout = head.length === 16 ? layouts[numberOf(head, 2, 2)] : undefined
    if (!layout) return 1
    const { countBytes, entryBytes, placeBytes } = layout
    const window = windowed(file)
    let pages = 0
    for (let at = numberOf(head, placeBytes, placeBytes); at > 0 && pages < framesRefusedMin; pages++) {
      const count = window.held(at, countBytes) ?? (await window.moved(at, countBytes))
      if (!count) break
      const end = at + countBytes + numberOf(count, 0, countBytes) * entryBytes
      const next = window.held(end, placeBytes) ?? (await window.moved(end, placeBytes))
      if (!next) break
      at = numberOf(next, 0, placeBytes)
    }
    return Math.max(1, pages)
  })
}

type Part = Buffer | undefined

interface Window {
  /** Undefined for what the window does not show. */
  held(at: number, bytes: number): Part
  /** Moves it there. Undefined past the end of the file. */
  moved(at: number, bytes: number): Promise<Part>
}

function windowed(file: FileHandle): Window {
  let from = 0
  let shown: Buffer = Buffer.alloc(0)
  const held = (at: number, bytes: number): Part =>
    at >= from && at + bytes <= from + shown.length ? shown.subarray(at - from, at - from + bytes) : undefined
  return {
    held,
    async moved(at, bytes) {
      if (!Number.isSafeInteger(at)) return undefined
      shown = await readPart(file, at, windowBytes)
      from = at
      return held(at, bytes)
    },
  }
}
