import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import type { FuzzedFormat } from './fuzzed-format.ts'
import { letter } from './pdfs.ts'

const chosen = new Set(['image-jpeg-320', 'text'])

/** A letter of two pages. */
export const documentFormats: Readonly<Record<string, FuzzedFormat>> = {
  pdf: {
    declared: 'application/pdf',
    whole: async () => letter(),
    chosen: (recipes) => recipes.filter(({ name }) => chosen.has(name)),
    async faultOf({ inspection, files }) {
      // Damage may take the last of the text away; the picture is white then, and there.
      const wanted = inspection.recipes.filter(({ name }) => name !== 'text')
      for (const { name } of wanted) if (!files.some(({ recipe }) => recipe.name === name)) return `${name} is missing`
      for (const { recipe, path, bytes } of files) {
        const file = await readFile(path)
        if (file.length === 0 || file.length !== bytes) return `${recipe.name} has ${file.length} bytes, not ${bytes}`
        if (recipe.name === 'text') new TextDecoder('utf-8', { fatal: true }).decode(file)
        else await sharp(path, { failOn: 'warning' }).raw().toBuffer()
      }
      return undefined
    },
  },
}
