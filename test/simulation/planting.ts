import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { plantedBugs, type PlantedBug } from './planted-bugs.ts'

const root = new URL('../../', import.meta.url)

export const urlOf = ({ file }: PlantedBug): string => new URL(file, root).href

/** The file's text with the bug in it. Throws unless the text to be replaced stands there exactly once. */
export function withBug({ name, file, find, replace }: PlantedBug, text: string): string {
  const [before, after, ...more] = text.split(find)
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`The bug "${name}" cannot be planted: ${file} must hold this exactly once: ${find}`)
  }
  return `${before}${replace}${after}`
}

export const sourceOf = (bug: PlantedBug): string => readFileSync(fileURLToPath(urlOf(bug)), 'utf8')

/** From now on the module that the bug is in loads with it; the file stays as it is. */
export function plant(name: string): void {
  const bug = plantedBugs.find((each) => each.name === name)
  if (!bug) throw new Error(`There is no planted bug "${name}".`)
  const source = withBug(bug, sourceOf(bug))
  registerHooks({
    load: (url, context, nextLoad) =>
      url === urlOf(bug) ? { format: 'module-typescript', source, shortCircuit: true } : nextLoad(url, context),
  })
}
