import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import { oleOf, zipOf } from './archives.ts'
import type { FuzzedFormat } from './fuzzed-format.ts'
import { letter } from './pdfs.ts'

const chosen = new Set(['image-jpeg-320', 'text'])

/** Stored whatever becomes of them: nothing is made of them, so nothing can come out half. */
const stored = (declared: string, whole: Buffer): FuzzedFormat => ({
  declared,
  whole: async () => whole,
  faultOf: async () => 'has renditions',
})

const word = zipOf([
  { name: '[Content_Types].xml', content: '<Types/>' },
  {
    name: 'docProps/core.xml',
    content: '<p><dc:title>Two hulls &amp; a deck</dc:title><dc:creator>L&#233;a</dc:creator></p>',
  },
  { name: 'docProps/app.xml', content: '<Properties><Pages>12</Pages></Properties>' },
  { name: 'word/document.xml', content: '<w:document/>' },
])
const oldWord = oleOf([
  { name: 'Root Entry', child: 2 },
  { name: '1Table' },
  { name: 'Data', left: 1, right: 3 },
  { name: 'WordDocument', right: 4 },
  { name: 'ObjectPool', child: 5 },
  { name: 'Workbook' },
])

/** Letters of the old Office and the new. */
export const officeFormats: Readonly<Record<string, FuzzedFormat>> = {
  docx: stored('application/vnd.openxmlformats-officedocument.wordprocessingml.document', word),
  doc: stored('application/msword', oldWord),
}

/** Those, and a letter of two pages. */
export const documentFormats: Readonly<Record<string, FuzzedFormat>> = {
  ...officeFormats,
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
