// node ipx.mjs SOURCE WIDTHS: every width as AVIF, WebP and JPEG, as a page's srcset asks for them. Prints seconds; files go to OUT.
import { basename, dirname, join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import { createIPX, ipxFSStorage } from 'ipx'

const [source, widths, formats, out] = process.argv.slice(2)
const ipx = createIPX({ storage: ipxFSStorage({ dir: dirname(source) }) })
const start = performance.now()
const made = widths.split(',').flatMap((width) => formats.split(',').map((format) => ({ width, format })))
const files = await Promise.all(
  made.map(async ({ width, format }) => ({
    width,
    format,
    data: (await ipx(basename(source), { width, format }).process()).data,
  })),
)
const seconds = (performance.now() - start) / 1000
for (const { width, format, data } of files) await writeFile(join(out, `${format}-${width}`), data)
process.stdout.write(JSON.stringify({ seconds }))
