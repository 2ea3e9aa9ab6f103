import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type {
  ConvertedFile,
  FilmMaker,
  FilmPart,
  FilmPlan,
  MediaConverter,
} from '../../shared/ports/media-converter.ts'
import { fakeConverter } from './ingest-world.ts'

const recipe = { name: 'film', version: 1, options: {} }

export interface FakeFilms {
  readonly converter: MediaConverter
  /** Which parts were made, in the order in which they were begun. */
  readonly made: number[]
  joins: number
  /** Runs before a part is made. */
  before: (part: number) => Promise<void>
}

const numberOf = (part: FilmPart): number => (part.kind === 'picture' ? part.firstUs : -1)

/**
 * Films are text whose words are parts, and are joined in upper case. A film with the word BROKEN is at fault in that part;
 * with the word MISFIT its first join finds that parts do not fit.
 */
export function fakeFilms(): FakeFilms {
  const films: FakeFilms = {
    made: [],
    joins: 0,
    before: async () => undefined,
    converter: { ...fakeConverter, film: makerOf(() => films) },
  }
  return films
}

function makerOf(films: () => FakeFilms): FilmMaker {
  return {
    outline: async () => undefined,
    needs: async () => undefined,
    plan: async ({ path }): Promise<FilmPlan | undefined> => {
      const words = (await readFile(path, 'utf8')).split(' ')
      const parts = words.map((_, at) => ({ kind: 'picture' as const, firstUs: at, atUs: at, frames: 1 }))
      return words.length > 1 ? { recipes: [recipe], parts } : undefined
    },
    make: async ({ path }, _plan, part, { workFolder, signal }) => {
      const at = numberOf(part)
      films().made.push(at)
      await films().before(at)
      signal.throwIfAborted()
      const word = (await readFile(path, 'utf8')).split(' ')[at] ?? ''
      if (word === 'BROKEN') throw new CatamaranError('invalid-media', 'The film is damaged there.')
      return [await fileOf(join(workFolder, 'part'), `${at}:${word}`)]
    },
    join: async (plan, fetch, { workFolder }) => {
      const words: string[] = []
      for (const at of plan.parts.keys()) {
        const file = await fetch(at, 'film')
        words.push(file ? await readFile(file.path, 'utf8') : '')
      }
      if (films().joins++ === 0 && words.includes('0:MISFIT')) throw new CatamaranError('internal', 'They do not fit.')
      const file = await fileOf(join(workFolder, 'whole'), words.join(' ').toUpperCase())
      return { files: [file], properties: { words: words.length } }
    },
  }
}

async function fileOf(path: string, text: string): Promise<ConvertedFile> {
  await writeFile(path, text)
  return { recipe, path, mediaType: 'text/plain', bytes: Buffer.byteLength(text), properties: {} }
}
