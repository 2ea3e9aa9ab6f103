import { rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '../domain/json.ts'
import type { ConvertedFile, Recipe } from '../ports/media-converter.ts'
import { invalidMedia } from './reasons.ts'

/** Where a rendition is written before it is whole. */
export const partPath = (workFolder: string, name: string): string => join(workFolder, `${name}.part`)

/** Gives a written and verified rendition its final name, so that nothing half is ever listed. */
export async function finishFile(
  workFolder: string,
  recipe: Recipe,
  extension: string,
  mediaType: string,
  properties: JsonObject,
): Promise<ConvertedFile> {
  const part = partPath(workFolder, recipe.name)
  const { size } = await stat(part)
  if (size === 0) throw invalidMedia(`${recipe.name} came out empty`)
  const path = join(workFolder, `${recipe.name}.${extension}`)
  await rename(part, path)
  return { recipe, path, mediaType, bytes: size, properties }
}
