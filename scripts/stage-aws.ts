/**
 * `npm run stage:aws`: lays out dist/node_modules, which goes into the zip of the job function: sharp with its binaries for
 * linux-arm64 alone, where `require` finds them. (The bundles of this machine find their own binaries further up.) What is not
 * installed here is fetched from the registry, and must be what package-lock.json says. With `HEIF=on` the decoder of HEIC as well.
 * Fails when all that the function unpacks is too much.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, matchesGlob } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from './build.ts'
import { heifPackage, isHeifPart, wantsHeif } from './stage-heif.ts'
import { assertSmall, unpackedAtAws } from './unpacked.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'dist/node_modules')
const platform = 'linux-arm64'
const packages = [
  'sharp',
  '@img/colour',
  'detect-libc',
  'semver',
  `@img/sharp-${platform}`,
  `@img/sharp-libvips-${platform}`,
  ...(wantsHeif ? [heifPackage] : []),
]

interface Locked {
  readonly version: string
  readonly integrity: string
}

const run = promisify(execFile)

async function lockOf(name: string): Promise<Locked> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>
  }
  const locked = lock.packages[`node_modules/${name}`]
  if (!locked) throw new Error(`package-lock.json does not know ${name}`)
  return locked
}

/** Throws when the registry gives other bytes than those that were locked. */
async function fetchPackage(name: string, folder: string): Promise<string> {
  const { version, integrity } = await lockOf(name)
  await run('npm', ['pack', `${name}@${version}`, '--silent', '--pack-destination', folder], { cwd: root })
  const prefix = `${name.replace('@', '').replace('/', '-')}-${version}`
  const archive = join(folder, `${prefix}.tgz`)
  const digest = `sha512-${createHash('sha512')
    .update(await readFile(archive))
    .digest('base64')}`
  if (digest !== integrity) throw new Error(`${name}@${version} is not what package-lock.json says`)
  const unpacked = join(folder, prefix)
  await mkdir(unpacked)
  await run('tar', ['-xzf', archive, '-C', unpacked])
  return join(unpacked, 'package')
}

async function ignored(): Promise<(path: string) => boolean> {
  const lines = (await readFile(join(root, '.funcignore'), 'utf8')).split('\n')
  const patterns = lines.filter((line) => line !== '' && !line.startsWith('#'))
  return (path) => patterns.some((pattern) => matchesGlob(basename(path), pattern))
}

async function stage(): Promise<void> {
  await rm(modules, { recursive: true, force: true })
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-stage-'))
  const skip = await ignored()
  try {
    for (const name of packages) {
      const installed = join(root, 'node_modules', name)
      const isHere = await stat(installed).catch(() => undefined)
      const from = isHere ? installed : await fetchPackage(name, folder)
      const isWanted = (path: string): boolean =>
        name === heifPackage ? isHeifPart(from, path) : path === from || !skip(path)
      await cp(from, join(modules, name), { recursive: true, filter: isWanted })
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  await assertWhole()
}

async function assertWhole(): Promise<void> {
  const entries = await readdir(modules, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const native = files.filter((name) => /\.(node|so|dll|dylib)(\.|$)/.test(basename(name)))
  const foreign = native.filter((name) => !name.includes(`-${platform}/`))
  if (native.length < 2 || foreign.length > 0)
    throw new Error(`Not for ${platform} alone: ${foreign.join(', ') || 'too little'}`)
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  console.log(`dist/node_modules  ${(bytes / 1024 / 1024).toFixed(1)} MB in ${files.length} files`)
  for (const name of native) console.log(`  ${name.slice(modules.length + 1)}`)
}

await stage()
await build()
assertSmall(await unpackedAtAws())
