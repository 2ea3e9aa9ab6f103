import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

const logBytesMax = 32 * 1024 * 1024

export interface LogFile {
  readonly path: string
  /** Appends; the file before the current one is kept beside it as `.1`. A disk that takes no more loses log lines only. */
  write(chunk: Uint8Array | string): void
}

export function openLog(path: string): LogFile {
  mkdirSync(dirname(path), { recursive: true })
  let size = sizeOf(path)
  return {
    path,
    write(chunk) {
      try {
        if (size > logBytesMax) {
          renameSync(path, `${path}.1`)
          size = 0
        }
        appendFileSync(path, chunk)
        size += chunk.length
      } catch {
        // There is nowhere to say it: the processes themselves report a full disk.
      }
    },
  }
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size
  } catch {
    return 0
  }
}
