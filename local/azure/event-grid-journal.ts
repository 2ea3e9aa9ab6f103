import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobChange } from './event-grid-events.ts'

/**
 * Changes that were let through and whose event is not in its queue yet, one small file each. A process that dies
 * finds them again when it starts.
 */
export class Journal {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async open(): Promise<Map<string, BlobChange>> {
    await mkdir(this.#folder, { recursive: true })
    const found = new Map<string, BlobChange>()
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name)
      if (!name.endsWith('.json')) await rm(path, { force: true })
      else found.set(name.slice(0, -5), JSON.parse(await readFile(path, 'utf8')) as BlobChange)
    }
    return found
  }

  async write(change: BlobChange): Promise<string> {
    const id = randomUUID()
    const path = join(this.#folder, id)
    await writeFile(path, JSON.stringify(change))
    await rename(path, `${path}.json`)
    return id
  }

  async clear(id: string): Promise<void> {
    await rm(join(this.#folder, `${id}.json`), { force: true })
  }
}
