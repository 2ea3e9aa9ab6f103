import { randomUUID } from 'node:crypto'
import { createReadStream, mkdirSync, readdirSync } from 'node:fs'
import { link, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunningHash } from './checksums.ts'
import { S3Error } from './errors.ts'

/** A file of an object's bytes; an object made of parts has several. */
export interface Segment {
  readonly file: string
  readonly bytes: number
}

const removeGraceMs = 30_000

/**
 * Bytes on disk under random names. A file counts only once the database names it, so a crash leaves at most a file that
 * nothing names, which the next start removes.
 */
export class BlobFolder {
  private readonly root: string
  private readonly doomed = new Set<string>()

  constructor(root: string, isNamed: (file: string) => boolean) {
    this.root = root
    for (let index = 0; index < 256; index++) mkdirSync(join(root, hex(index)), { recursive: true })
    for (const folder of readdirSync(root)) {
      for (const file of readdirSync(join(root, folder))) if (!isNamed(file)) this.doomed.add(file)
    }
    void this.removeDoomed()
  }

  path(file: string): string {
    return join(this.root, file.slice(0, 2), file)
  }

  /** Stores a stream and forces it to disk; every hasher sees every byte. Leaves nothing behind on failure. */
  async write(source: AsyncIterable<Buffer>, hashers: readonly RunningHash[], bytesMax: number): Promise<Segment> {
    const file = randomUUID()
    const handle = await open(this.path(file), 'wx')
    let bytes = 0
    try {
      for await (const piece of source) {
        bytes += piece.length
        if (bytes > bytesMax) throw new S3Error('EntityTooLarge')
        for (const hasher of hashers) hasher.update(piece)
        await writeAll(handle, piece)
      }
      await handle.sync()
    } catch (error) {
      await handle.close()
      await rm(this.path(file), { force: true })
      throw error
    }
    await handle.close()
    return { file, bytes }
  }

  /** A second name for the same bytes, so that either can be removed alone. */
  async copy(segments: readonly Segment[]): Promise<Segment[]> {
    return Promise.all(
      segments.map(async ({ file, bytes }) => {
        const name = randomUUID()
        await link(this.path(file), this.path(name))
        return { file: name, bytes }
      }),
    )
  }

  /** Bytes `first` to `last`, both included. */
  async *read(segments: readonly Segment[], first: number, last: number): AsyncGenerator<Buffer> {
    let start = 0
    for (const { file, bytes } of segments) {
      const from = Math.max(first - start, 0)
      const to = Math.min(last - start, bytes - 1)
      if (from <= to) yield* createReadStream(this.path(file), { start: from, end: to, highWaterMark: 256 * 1024 })
      start += bytes
    }
  }

  /** Removes files a little later, for the sake of readers that have just looked them up. */
  remove(segments: readonly Segment[]): void {
    for (const { file } of segments) this.doomed.add(file)
    setTimeout(() => {
      for (const { file } of segments) void this.unlink(file)
    }, removeGraceMs).unref()
  }

  async removeDoomed(): Promise<void> {
    for (const file of this.doomed) await this.unlink(file)
  }

  private async unlink(file: string): Promise<void> {
    this.doomed.delete(file)
    await rm(this.path(file), { force: true })
  }
}

async function writeAll(handle: Awaited<ReturnType<typeof open>>, piece: Buffer): Promise<void> {
  let written = 0
  while (written < piece.length) {
    const { bytesWritten } = await handle.write(piece, written, piece.length - written)
    written += bytesWritten
  }
}

const hex = (index: number): string => index.toString(16).padStart(2, '0')
