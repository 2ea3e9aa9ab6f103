import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type CachePolicy from 'http-cache-semantics'

export interface Entry {
  readonly policy: CachePolicy
  readonly path: string
  readonly bytes: number
}

export interface DiskCache {
  get(key: string): Entry | undefined
  set(key: string, entry: Entry): Promise<void>
  remove(key: string): Promise<void>
  /** A file for an answer that is on its way; the path goes into its entry. */
  createFile(): Promise<{ readonly path: string; readonly file: FileHandle }>
  readonly bytes: number
}

/** The least recently used goes first. Bodies are on disk, the index in memory: a restart begins empty, as a cache may. */
export async function openCache(folder: string, bytesMax: number): Promise<DiskCache> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const entries = new Map<string, Entry>()
  let bytes = 0
  let files = 0

  const drop = (key: string): Entry | undefined => {
    const entry = entries.get(key)
    entries.delete(key)
    bytes -= entry?.bytes ?? 0
    return entry
  }
  const remove = async (key: string): Promise<void> => {
    const entry = drop(key)
    // A reader that holds the file open keeps its bytes.
    if (entry) await rm(entry.path, { force: true })
  }
  return {
    get bytes() {
      return bytes
    },
    get(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      entries.delete(key)
      entries.set(key, entry)
      return entry
    },
    async set(key, entry) {
      const before = drop(key)
      entries.set(key, entry)
      bytes += entry.bytes
      if (before && before.path !== entry.path) await rm(before.path, { force: true })
      while (bytes > bytesMax) {
        const [oldest] = entries.keys()
        if (oldest === undefined) return
        await remove(oldest)
      }
    },
    remove,
    async createFile() {
      const path = join(folder, String(files++))
      return { path, file: await open(path, 'wx+') }
    },
  }
}
