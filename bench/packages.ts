import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { packageIn } from '../infra/sources.ts'
import { type Unpacked, unpackedAtAws, unpackedAtAzure, unpackedBytesMax } from '../scripts/unpacked.ts'
import type { Figure } from './figures.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const megabyte = 1_000_000
const run = promisify(execFile)

/**
 * What the function that converts unpacks at either cloud, by itself and with ffmpeg; that its binaries are of its own platform;
 * and whether two packagings give the same bytes. Throws when nothing is staged.
 */
export async function printPackages(print: (figure: Figure) => void): Promise<void> {
  const staged = ['dist/node_modules', 'dist/azure-app']
  for (const folder of staged) {
    const isThere = await stat(join(root, folder)).catch(() => undefined)
    if (!isThere) throw new Error(`There is no ${folder}: npm run stage:aws && npm run stage`)
  }
  await printTwoPackagings(print)
  for (const one of [await unpackedAtAws(), await unpackedAtAzure()]) printUnpacked(one, print)
}

function printUnpacked(
  { cloud, platform, files, plainBytes, wholeBytes }: Unpacked,
  print: (figure: Figure) => void,
): void {
  const native = files.filter((path) => /\.(node|so|dll|dylib)(\.|$)/.test(basename(path)))
  const foreign = native.filter((path) => !path.includes(`-${platform}/`))
  const printSize = (name: string, bytes: number, bytesMax: number): void =>
    print({ name, value: bytes / megabyte, unit: 'MB', bar: { atMost: bytesMax / megabyte } })
  print({ name: `native files ${cloud}, ${platform}`, value: native.length, unit: 'count', bar: { atLeast: 2 } })
  print({ name: `native files ${cloud} of another platform`, value: foreign.length, unit: 'count', bar: { atMost: 0 } })
  printSize(`unpacked ${cloud}`, plainBytes, unpackedBytesMax.plain)
  printSize(`unpacked ${cloud}, with what was added`, wholeBytes, unpackedBytesMax.whole)
}

async function printTwoPackagings(print: (figure: Figure) => void): Promise<void> {
  const [first, second] = [await digestsOfPackages(), await digestsOfPackages()]
  const names = new Set([...first.keys(), ...second.keys()])
  const differing = [...names].filter((name) => first.get(name) !== second.get(name)).length
  print({ name: 'packages', value: names.size, unit: 'count', bar: { atLeast: 6 } })
  print({ name: 'packages that differ between two packagings', value: differing, unit: 'count', bar: { atMost: 0 } })
}

/** The digest of the zip of each function at AWS, and of the app at Azure, packaged anew. */
async function digestsOfPackages(): Promise<Map<string, string>> {
  await run(process.execPath, ['--disable-warning=ExperimentalWarning', join(root, 'scripts/stage.ts')], { cwd: root })
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-packages-'))
  try {
    await packageIn(root, folder, ['dist/node_modules', 'dist/ffmpeg'])
    const made = join(folder, '.serverless')
    const zips = (await readdir(made)).filter((name) => name.endsWith('.zip')).map((name) => join(made, name))
    const paths = [...zips, join(root, 'dist/azure-app.zip')]
    const digests = paths.map(async (path) => [basename(path), await digestOf(path)] as const)
    return new Map(await Promise.all(digests))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const digestOf = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
