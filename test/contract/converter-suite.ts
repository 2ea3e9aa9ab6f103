import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ConversionSource, ConvertedFile, MediaConverter } from '../../shared/ports/media-converter.ts'
import { sha256 } from './object-fixtures.ts'

export interface ConverterContext {
  readonly converter: MediaConverter
  /** Bytes that it converts, and their true type. */
  readonly good: { readonly bytes: Uint8Array; readonly mediaType: string }
  /** Bytes that it refuses when they are declared as `good.mediaType`. */
  readonly bad: Uint8Array
}

/** What every converter promises. */
export function converterSuite(name: string, make: () => Promise<ConverterContext>): void {
  describe(`${name}: converter`, () => {
    let context: ConverterContext
    let root: string
    beforeAll(async () => {
      context = await make()
      root = await mkdtemp(join(tmpdir(), 'converter-'))
    })
    afterAll(() => rm(root, { recursive: true, force: true }))

    const never = new AbortController().signal
    const folder = (): Promise<string> => mkdtemp(join(root, 'work-'))
    const sourceOf = async (bytes: Uint8Array, mediaType = context.good.mediaType): Promise<ConversionSource> => {
      const path = join(await folder(), 'source')
      await writeFile(path, bytes)
      return { path, mediaType, bytes: bytes.byteLength }
    }
    const digests = async (files: readonly ConvertedFile[]): Promise<string[]> =>
      (
        await Promise.all(files.map(async ({ recipe, path }) => `${recipe.name} ${sha256(await readFile(path))}`))
      ).sort()

    test('finds the true type whatever was declared, and always the same recipes', async () => {
      const { converter, good } = context
      const inspection = await converter.inspect(await sourceOf(good.bytes), never)
      expect(inspection.mediaType).toBe(good.mediaType)
      expect(JSON.parse(JSON.stringify(inspection))).toEqual(inspection)
      const names = inspection.recipes.map((recipe) => recipe.name)
      expect([names.length > 0, new Set(names).size]).toEqual([true, names.length])
      for (const { version } of inspection.recipes) expect(version).toBeGreaterThanOrEqual(1)
      const undeclared = await sourceOf(good.bytes, 'application/octet-stream')
      expect(await converter.inspect(undeclared, never)).toEqual(inspection)
    })

    test('makes each recipe once, in the work folder, from a source that it leaves alone, and twice the same', async () => {
      const { converter, good } = context
      const source = await sourceOf(good.bytes)
      const inspection = await converter.inspect(source, never)
      const progress: number[] = []
      const convert = async () => {
        const workFolder = await folder()
        const onProgress = (fraction: number) => void progress.push(fraction)
        const files = await converter.convert(source, inspection, { workFolder, signal: never, onProgress })
        for (const file of files) {
          expect(dirname(file.path)).toBe(workFolder)
          expect([file.bytes > 0, file.bytes]).toEqual([true, (await readFile(file.path)).byteLength])
          expect(file.mediaType).toMatch(/^\w+\/[\w.+-]+$/)
          expect(inspection.recipes).toContainEqual(file.recipe)
          expect(JSON.parse(JSON.stringify(file.properties))).toEqual(file.properties)
        }
        return files
      }
      const files = await convert()
      expect(files.map(({ recipe }) => recipe.name).sort()).toEqual(
        inspection.recipes.map((recipe) => recipe.name).sort(),
      )
      expect(progress.every((fraction, at) => fraction >= (progress[at - 1] ?? 0) && fraction <= 1)).toBe(true)
      expect(await digests(await convert())).toEqual(await digests(files))
      expect(await readFile(source.path)).toEqual(Buffer.from(good.bytes))
    }, 60_000)

    test('what cannot be read is refused with a reason that says nothing of this machine', async () => {
      const { converter, bad } = context
      const source = await sourceOf(bad)
      const refused = converter.inspect(source, never)
      await expect(refused).rejects.toMatchObject({ code: 'invalid-media', message: expect.stringMatching(/^\w.{9,}/) })
      await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(root) })
    })

    test('stops when it is told to, and leaves nothing outside its folder', async () => {
      const { converter, good } = context
      const source = await sourceOf(good.bytes)
      const inspection = await converter.inspect(source, never)
      const reason = new Error('no time left')
      const signal = AbortSignal.abort(reason)
      await expect(converter.inspect(source, signal)).rejects.toBe(reason)
      const workFolder = await folder()
      await expect(converter.convert(source, inspection, { workFolder, signal })).rejects.toBe(reason)
      expect(await readdir(dirname(source.path))).toEqual(['source'])
    })

    test('nothing to make is no fault', async () => {
      const { converter, good } = context
      const source = await sourceOf(good.bytes)
      const inspection = { ...(await converter.inspect(source, never)), recipes: [] }
      expect(await converter.convert(source, inspection, { workFolder: await folder(), signal: never })).toEqual([])
    })
  })
}
