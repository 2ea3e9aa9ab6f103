import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, functionNames } from '../scripts/build.ts'
import { coldInitMs } from './cold-start.ts'
import { type Figure, printFigure } from './figures.ts'
import { initEnvironment } from './init-environment.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const kibibytes = 1024
const bars = {
  aws: { kibibytes: 850, initMs: 300 },
  azure: { kibibytes: 1_536, initMs: 250 },
}
const nativeMebibytesBar = 25

/**
 * What a function costs before its first call: size and loading time of each bundle, whether two builds give the same bytes,
 * and which binaries go along. `npm run stage` and `npm run stage:aws` lay those out; without them they are left out.
 */
export async function benchCold(): Promise<boolean> {
  let met = true
  const print = (figure: Figure): void => {
    met = printFigure(figure) && met
  }
  await printTwoBuilds(print)
  await printBundles(print)
  await printNatives('aws', join(root, 'dist/node_modules'), 'linux-arm64', print)
  await printNatives('azure', join(root, 'dist/azure-app'), 'linux-x64', print)
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
  bar: { readonly kibibytes: number; readonly initMs: number } | undefined,
  print: (figure: Figure) => void,
): Promise<void> {
  const path = join(root, 'dist', name, 'index.cjs')
  const { size } = await stat(path)
  const atMost = (value: number | undefined): Pick<Figure, 'bar'> =>
    value === undefined ? {} : { bar: { atMost: value } }
  print({ name: `bundle ${name}`, value: size / kibibytes, unit: 'KiB', ...atMost(bar?.kibibytes) })
  const initMs = await coldInitMs(path, initEnvironment)
  print({ name: `cold-init ${name}`, value: initMs, unit: 'ms', ...atMost(bar?.initMs) })
}

async function printNatives(
  cloud: string,
  folder: string,
  platform: string,
  print: (figure: Figure) => void,
): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => undefined)
  if (!entries) return void process.stderr.write(`${cloud}: nothing is staged in ${folder}\n`)
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const native = files.filter((path) => /\.(node|so|dll|dylib)(\.|$)/.test(basename(path)))
  const foreign = native.filter((path) => !path.includes(`-${platform}/`))
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size))
  const mebibytes = sizes.reduce((sum, size) => sum + size, 0) / kibibytes ** 2
  print({ name: `native files ${cloud}, ${platform}`, value: native.length, unit: 'count', bar: { atLeast: 2 } })
  print({ name: `native files ${cloud} of another platform`, value: foreign.length, unit: 'count', bar: { atMost: 0 } })
  print({ name: `unpacked ${cloud}`, value: mebibytes, unit: 'MiB', bar: { atMost: nativeMebibytesBar } })
}
