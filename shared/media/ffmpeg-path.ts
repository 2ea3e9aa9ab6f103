import { createRequire } from 'node:module'
import { findCommand, isExecutable } from '../process/find-command.ts'

/**
 * Finds ffmpeg: the path given by configuration, else the first on `searchPath` (the value of PATH), else the one that
 * npm installed for this platform. Undefined when there is none.
 */
export function findFfmpeg(options: {
  readonly configured?: string | undefined
  readonly searchPath?: string | undefined
}): string | undefined {
  if (options.configured) return isExecutable(options.configured) ? options.configured : undefined
  return findCommand('ffmpeg', options.searchPath) ?? installed()
}

function installed(): string | undefined {
  try {
    const resolve = createRequire(import.meta.url).resolve
    const path = resolve(`@ffmpeg-installer/${process.platform}-${process.arch}/ffmpeg`)
    return isExecutable(path) ? path : undefined
  } catch {
    return undefined
  }
}
