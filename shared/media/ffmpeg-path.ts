import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, isAbsolute, join } from 'node:path'

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

export const findCommand = (name: string, searchPath: string | undefined): string | undefined =>
  (searchPath ?? '')
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, name))
    .find(isExecutable)

function installed(): string | undefined {
  try {
    const resolve = createRequire(import.meta.url).resolve
    const path = resolve(`@ffmpeg-installer/${process.platform}-${process.arch}/ffmpeg`)
    return isExecutable(path) ? path : undefined
  } catch {
    return undefined
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
