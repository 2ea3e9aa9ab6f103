/** `node image-child.ts SOURCE WIDTHS FORMATS OUT [QUALITY]`: every width in every format, as a job makes them, AVIF at that quality. Prints seconds. */
import { mkdir, mkdtemp, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { mediaConverter } from '../../shared/media/converter.ts'
import { imageRecipeVersion as version } from '../../shared/media/image-recipe.ts'

const [path = '', widths = '', formats = '', out = '', quality = ''] = process.argv.slice(2)
const converter = mediaConverter({ ffmpeg: undefined })
const recipes = widths.split(',').flatMap((width) =>
  formats.split(',').map((format) => {
    const options = { format, width: Number(width), ...(format === 'avif' && quality && { quality: Number(quality) }) }
    return { name: `${format}-${width}`, version, options }
  }),
)
await mkdir(out, { recursive: true })
const source = { path, mediaType: 'image/jpeg', bytes: (await stat(path)).size }
const inspection = { mediaType: 'image/jpeg', kind: 'image', properties: {}, recipes } as const
const workFolder = await mkdtemp(join(out, 'work-'))
const start = performance.now()
const files = await converter.convert(source, inspection, { workFolder, signal: new AbortController().signal })
const seconds = (performance.now() - start) / 1000
for (const file of files) await rename(file.path, join(out, file.recipe.name))
process.stdout.write(JSON.stringify({ seconds }))
