import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, functionNames } from '../scripts/build.ts'
import { bench } from './bench.ts'
import { coldInitMs } from './cold-start.ts'
import { type Figure, printFigure } from './figures.ts'
import { initEnvironment } from './init-environment.ts'
import { printPackages } from './packages.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const kilobyte = 1_000
const bars = {
  aws: { kilobytes: 850, initMs: 300 },
  azure: { kilobytes: 1_500, initMs: 250 },
}

export const coldBench = bench(
  `What a function costs before its first call: size and loading time of each bundle, whether two builds and two packagings give
  the same bytes, and what is unpacked. Wants what npm run stage:aws and npm run stage lay out.`,
  {},
  measureCold,
)

async function measureCold(): Promise<boolean> {
  let met = true
  const print = (figure: Figure): void => {
    met = printFigure(figure) && met
  }
  await printTwoBuilds(print)
  await printBundles(print)
  await printPackages(print)
  return met
}

/** One bundle registers every function at Azure; the one that converts is the only one at AWS that may be larger. */
export async function printBundles(print: (figure: Figure) => void): Promise<void> {
  for (const name of functionNames) await printBundle(`aws/${name}`, name === 'job' ? undefined : bars.aws, print)
  await printBundle('azure', bars.azure, print)
}

async function printTwoBuilds(print: (figure: Figure) => void): Promise<void> {
  const bundles = [
    ...functionNames.map((name) => `dist/aws/${name}/index.cjs`),
    'dist/azure/index.cjs',
    'dist/azure/job.cjs',
    'dist/aws/job/reader.cjs',
    'dist/aws/job/pdfium.wasm.br',
  ]
  const made = async (): Promise<Buffer[]> => {
    await build({ force: true })
    return Promise.all(bundles.map((path) => readFile(join(root, path))))
  }
  const [first, second] = [await made(), await made()]
  const differing = first.filter((bytes, index) => !bytes.equals(second[index] ?? Buffer.alloc(0))).length
  print({ name: 'bundles that differ between two builds', value: differing, unit: 'count', bar: { atMost: 0 } })
}

async function printBundle(
  name: string,
  bar: { readonly kilobytes: number; readonly initMs: number } | undefined,
  print: (figure: Figure) => void,
): Promise<void> {
  const path = join(root, 'dist', name, 'index.cjs')
  const { size } = await stat(path)
  const atMost = (value: number | undefined): Pick<Figure, 'bar'> =>
    value === undefined ? {} : { bar: { atMost: value } }
  print({ name: `bundle ${name}`, value: size / kilobyte, unit: 'kB', ...atMost(bar?.kilobytes) })
  const initMs = await coldInitMs(path, initEnvironment)
  print({ name: `cold-init ${name}`, value: initMs, unit: 'ms', ...atMost(bar?.initMs) })
}
