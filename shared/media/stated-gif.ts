import { readPart, withFile } from './file-parts.ts'
import { framesRefusedMin } from './limits.ts'

const windowBytes = 256 * 1024
const screenBytes = 13
const imageBytes = 10
/** GIF89a, appendix A: what begins each block. */
const [extension, image] = [0x21, 0x2c]

interface Walk {
  frames: number
  /** Among the sub-blocks of a block: each has its length in front, and the last has none. */
  isInData: boolean
  isOver: boolean
}

/**
 * How many frames a GIF has (GIF89a, 20), counted up to what is refused. Nothing states the number: blocks are passed over, each
 * by its own length, which is sooner done than to look what is in them.
 */
export function framesInGif(path: string): Promise<number> {
  return withFile(path, async (file) => {
    const screen = await readPart(file, 0, screenBytes)
    const walk: Walk = { frames: 0, isInData: false, isOver: false }
    for (let at = screenBytes + tableBytes(screen[10]); !walk.isOver; ) {
      const window = await readPart(file, at, windowBytes)
      const passed = pass(window, walk)
      if (passed === 0) break
      at += passed
    }
    return Math.max(1, walk.frames)
  })
}

/** Walks as far as the bytes that are there tell the way; returns how far that is, which may lie behind them. */
function pass(window: Buffer, walk: Walk): number {
  let at = 0
  while (at < window.length && !walk.isOver) {
    const first = window[at] ?? 0
    if (walk.isInData) {
      walk.isInData = first > 0
      at += 1 + first
    } else if (at + imageBytes > window.length && at > 0) break
    else {
      if (first === image) walk.frames++
      at += first === image ? imageBytes + tableBytes(window[at + 9]) + 1 : 2
      walk.isInData = first === image || first === extension
      walk.isOver = !walk.isInData || walk.frames >= framesRefusedMin
    }
  }
  return at
}

/** A colour table, where the flags say that there is one. */
const tableBytes = (flags = 0): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)
