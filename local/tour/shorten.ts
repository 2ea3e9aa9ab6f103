import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Sample } from '../samples/make.ts'

const rowsMax = 500

/**
 * The same samples with fewer rows in the data files, for the second site: DynamoDB Local stores a few hundred rows a
 * second, and every row is stored at both sites.
 */
export async function withFewerRows(samples: readonly Sample[], folder: string): Promise<Sample[]> {
  await mkdir(folder, { recursive: true })
  return Promise.all(
    samples.map(async (sample) => {
      const start = { table: /\n(?=\d+,)/, events: /\n(?=\{)/ }[sample.kind as string]
      if (start === undefined) return sample
      const file = join(folder, basename(sample.file))
      const rows = (await readFile(sample.file, 'utf8')).split(start)
      await writeFile(file, `${rows.slice(0, rowsMax).join('\n').trimEnd()}\n`)
      return { ...sample, file }
    }),
  )
}
