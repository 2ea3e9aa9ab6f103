import { containerReader, type ContainerReader } from './container-reader.ts'

/** Readers that have looked at a file and may be asked to convert it soon. */
export interface ReaderPool {
  /** The one that was kept for this file, or another. It is the caller's own until it is kept or closed. */
  take(path: string): ContainerReader
  keep(path: string, reader: ContainerReader): void
}

const idleMsMax = 10_000

/** One process serves one file, from the first look at it to its last rendition, and no other file. */
export function readerPool(): ReaderPool {
  const kept = new Map<string, { readonly reader: ContainerReader; readonly timer: NodeJS.Timeout }>()
  const take = (path: string): ContainerReader | undefined => {
    const found = kept.get(path)
    kept.delete(path)
    clearTimeout(found?.timer)
    return found?.reader
  }
  return {
    take: (path) => take(path) ?? containerReader(),
    keep(path, reader) {
      take(path)?.close()
      const timer = setTimeout(() => take(path)?.close(), idleMsMax).unref()
      kept.set(path, { reader, timer })
    },
  }
}
