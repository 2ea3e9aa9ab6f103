/**
 * `npm run stage`: lays out what deploys to Azure.
 *   dist/azure-app/      the Functions app: bundle, host.json, sharp with its binaries for linux-x64 alone; with `HEIF=on` the
 *                        decoder of HEIC as well
 *   dist/azure-app.zip   the same as one file, the same bytes each time
 *   dist/openapi.json    the document that the gateways import
 */
import { spawnSync } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join, matchesGlob } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeOpenApi } from '../infra/openapi.ts'
import { build } from './build.ts'
import { heifPackage, isHeifPart, wantsHeif } from './stage-heif.ts'
import { assertSmall, unpackedAtAzure } from './unpacked.ts'
import { zip, type ZipEntry } from './zip.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const app = join(root, 'dist/azure-app')
const zipBytesMax = 15 * 1024 * 1024
/** What ffmpeg may add to it. */
const ffmpegBytesMax = 8 * 1024 * 1024
const platform = 'linux-x64'
/** Loaded by what the bundle leaves out: binaries cannot be bundled. */
const packages = [
  'sharp',
  '@img/colour',
  'detect-libc',
  'semver',
  `@img/sharp-${platform}`,
  `@img/sharp-libvips-${platform}`,
  ...(wantsHeif ? [heifPackage] : []),
]

async function ignored(): Promise<(path: string) => boolean> {
  const lines = (await readFile(join(root, '.funcignore'), 'utf8')).split('\n')
  const patterns = lines.filter((line) => line !== '' && !line.startsWith('#'))
  return (path) => patterns.some((pattern) => matchesGlob(basename(path), pattern))
}

async function copyPackage(name: string, skip: (path: string) => boolean): Promise<void> {
  const from = join(root, 'node_modules', name)
  const found = await readFile(join(from, 'package.json')).catch(() => undefined)
  if (!found) throw new Error(`${name} is not installed: npm i --no-save --cpu=x64 --os=linux --libc=glibc sharp`)
  const isWanted = (path: string): boolean =>
    name === heifPackage ? isHeifPart(from, path) : path === from || !skip(path)
  await cp(from, join(app, 'node_modules', name), { recursive: true, filter: isWanted })
}

async function filesIn(folder: string): Promise<ZipEntry[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return Promise.all(
    files.map(async (path) => ({
      name: path.slice(folder.length + 1).replaceAll('\\', '/'),
      bytes: await readFile(path),
      executable: path === join(folder, 'bin/ffmpeg'),
    })),
  )
}

/** What `npm run build:ffmpeg` made, if it was run; without it films and sound are stored as they are. */
async function takeFfmpeg(): Promise<boolean> {
  const made = join(root, 'dist/ffmpeg', platform)
  const isMade = await stat(join(made, 'bin/ffmpeg')).catch(() => undefined)
  console.log(isMade ? 'with ffmpeg' : 'without ffmpeg: npm run build:ffmpeg makes one')
  if (isMade) for (const name of ['bin', 'licences']) await cp(join(made, name), join(app, name), { recursive: true })
  return isMade !== undefined
}

/** Throws when the app does not start to load: something was left out that is needed. */
function tryLoading(): void {
  if (`${process.platform}-${process.arch}` !== platform) return
  const sharp = JSON.stringify(join(app, 'node_modules/sharp'))
  const make = `require(${sharp})({create:{width:8,height:8,channels:3,background:'red'}}).avif().toBuffer()`
  run(make, 'sharp')
  const heif = JSON.stringify(join(app, 'node_modules', heifPackage, 'libheif-wasm/libheif.js'))
  if (wantsHeif) run(`if (!(require(${heif})({})._heif_get_version_number() > 0)) process.exit(1)`, heifPackage)
}

function run(program: string, name: string): void {
  const { status, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`The staged ${name} does not work: ${stderr}`)
}

async function stage(): Promise<void> {
  await build()
  await writeOpenApi(root)
  await rm(app, { recursive: true, force: true })
  await mkdir(app, { recursive: true })
  for (const name of ['index.cjs', 'job.cjs', 'reader.cjs', 'pdfium.wasm.br', 'host.json', 'package.json'])
    await cp(join(root, 'dist/azure', name), join(app, name))
  const skip = await ignored()
  for (const name of packages) await copyPackage(name, skip)
  const bytesMax = zipBytesMax + ((await takeFfmpeg()) ? ffmpegBytesMax : 0)
  tryLoading()
  const files = await filesIn(app)
  const native = files.map(({ name }) => name).filter((name) => /\.(node|so|dll|dylib)(\.|$)/.test(name))
  const foreign = native.filter((name) => !name.includes(`-${platform}/`))
  if (native.length === 0 || foreign.length > 0)
    throw new Error(`Not for ${platform} alone: ${foreign.join(', ') || 'nothing'}`)
  const bytes = zip(files)
  await writeFile(`${app}.zip`, bytes)
  const unpacked = files.reduce((sum, file) => sum + file.bytes.length, 0)
  const megabytes = (count: number): string => `${(count / 1024 / 1024).toFixed(1)} MB`
  console.log(`dist/azure-app.zip  ${megabytes(bytes.length)}, ${files.length} files of ${megabytes(unpacked)}`)
  for (const name of native) console.log(`  ${name}`)
  if (bytes.length > bytesMax) throw new Error(`The zip is larger than ${megabytes(bytesMax)}`)
  assertSmall(await unpackedAtAzure())
}

await stage()
