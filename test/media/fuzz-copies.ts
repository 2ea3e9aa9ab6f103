import { mkdir, readFile, rm } from 'node:fs/promises'
import { chance } from '../../local/samples/chance.ts'
import { isCatamaranError } from '../../shared/domain/errors.ts'
import { dataFormats } from './fuzz-data.ts'
import { damaged } from './fuzz-damage.ts'
import { documentFormats } from './fuzz-documents.ts'
import { heifFormats, movingFormats, pictureFormats } from './fuzz-images.ts'
import { subtitleFormats } from './fuzz-subtitles.ts'
import { timedFormats } from './fuzz-timed.ts'
import type { FuzzedFormat } from './fuzzed-format.ts'
import { converter, never, workbench } from './workbench.ts'

export const fuzzedFormats: Readonly<Record<string, FuzzedFormat>> = {
  ...pictureFormats,
  ...movingFormats,
  ...heifFormats,
  ...timedFormats,
  ...subtitleFormats,
  ...dataFormats,
  ...documentFormats,
}

/** `stored` is what is not of the format any more, and is kept as what it is. */
export const goodOutcomes = ['converted', 'refused', 'stored'] as const

export interface CopyOutcome {
  readonly copy: number
  /** One of `goodOutcomes`, or what is wrong. */
  readonly outcome: string
  /** How long that took. */
  readonly ms: number
}

/**
 * Damages a file of the format `copies` times and yields what became of each copy from `from` on: every one converts to whole
 * renditions, or is refused with a reason. The same seed gives the same copies.
 */
export async function* fuzzCopies(
  name: string,
  { seed, from = 0, copies }: { readonly seed: number; readonly from?: number; readonly copies: number },
): AsyncGenerator<CopyOutcome> {
  const format = fuzzedFormats[name]
  if (!format) throw new Error(`There is no format ${name}`)
  await using bench = await workbench()
  const whole = await format.whole(bench)
  const next = chance(seed)
  for (let copy = 0; copy < copies; copy++) {
    const bytes = damaged(whole, next, copy)
    if (copy < from) continue
    const path = await bench.write('copy', bytes)
    const began = performance.now()
    const outcome = await outcomeOf(path, bytes, format)
    yield { copy, outcome, ms: performance.now() - began }
  }
}

async function outcomeOf(path: string, bytes: Buffer, format: FuzzedFormat): Promise<string> {
  const workFolder = `${path}-work`
  await mkdir(workFolder)
  const source = { path, mediaType: format.declared, bytes: bytes.length }
  try {
    const whole = await converter.inspect(source, never())
    const inspection = { ...whole, recipes: format.chosen?.(whole.recipes) ?? whole.recipes }
    const files = await converter.convert(source, inspection, { workFolder, signal: never() })
    if (!bytes.equals(await readFile(path))) return 'changed the file'
    if (inspection.recipes.length === 0) return 'stored'
    return (await format.faultOf({ path, inspection, files })) ?? 'converted'
  } catch (error) {
    if (!isCatamaranError(error)) return `threw ${String(error)}`
    if (error.code !== 'invalid-media') return `${error.code}: ${error.message}`
    return isClear(error.message, workFolder) ? 'refused' : `says "${error.message}"`
  } finally {
    await rm(workFolder, { recursive: true, force: true })
  }
}

/** A sentence that somebody can read, without a place on this machine and without what a program says of itself. */
const isClear = (message: string, workFolder: string): boolean =>
  message.length > 15 && !message.includes(workFolder) && !/undefined|\[object|at \w+ \(|0x[0-9a-f]{6}/.test(message)
