/**
 * `npm run build:ffmpeg [-- --arch x64|arm64 --sources FOLDER --jobs N]`: ffmpeg for this machine's processor or the one that
 * is named, static, with what the converter uses and nothing else, to dist/ffmpeg/linux-x64 or dist/ffmpeg/linux-arm64:
 * bin/ffmpeg, its licences, a list of what it was made of. Needs gcc, g++, make, autoconf, automake, libtool, meson, ninja,
 * pkg-config, and nasm for x64; for another processor than this machine's its gcc and g++, and qemu to try what was made.
 * The sources are pinned by digest; a folder spares their download.
 */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { mesonCrossFile, targetOf } from './ffmpeg/target.ts'

interface Source {
  readonly version: string
  readonly url: string
  readonly sha256: string
  readonly licence: string
}

const root = fileURLToPath(new URL('..', import.meta.url))
const programBytesMax = 24 * 1024 * 1024
const licences = ['COPYING', 'COPYING.GPLv2', 'LICENSE', 'LICENSE.md', 'CREDITS', 'AUTHORS']

const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: process.arch },
    jobs: { type: 'string', default: String(availableParallelism()) },
    sources: { type: 'string' },
  },
})
const crossFile = join(tmpdir(), `catamaran-ffmpeg-${process.pid}.meson`)
const target = targetOf(values.arch, crossFile)
const out = join(root, 'dist/ffmpeg', target.platform)
const jobs = `-j${values.jobs}`
const read = async <T>(name: string): Promise<T> =>
  JSON.parse(await readFile(join(root, 'scripts/ffmpeg', name), 'utf8')) as T

/** ffmpeg's configure says so, and builds without it. */
const unknownName = /Option --enable-\S+ did not match anything/
const keptBytesMax = 64 * 1024

/** Says what it runs; throws when it fails, with what was said last, or when it does not know what was chosen. */
async function run(command: string, args: readonly string[], cwd: string, prefix: string): Promise<void> {
  console.log(`${basename(cwd)}: ${command} ${args.slice(0, 3).join(' ')}${args.length > 3 ? ' ...' : ''}`)
  const env = {
    ...process.env,
    PKG_CONFIG_PATH: join(prefix, 'lib/pkgconfig'),
    PKG_CONFIG_LIBDIR: join(prefix, 'lib/pkgconfig'),
  }
  await new Promise<void>((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    const keep = (bytes: Buffer): void => void (said = (said + bytes.toString()).slice(-keptBytesMax))
    for (const stream of [child.stdout, child.stderr]) stream.on('data', keep)
    child.once('error', reject)
    child.once('close', (code) => {
      const unknown = unknownName.exec(said)?.[0]
      if (code === 0 && unknown === undefined) resolve()
      else reject(new Error(unknown ?? `${command} ended with ${code}\n${said.slice(-4_000)}`))
    })
  })
}

/** The bytes that were pinned, unpacked; throws when they are others. */
async function unpacked(name: string, { url, sha256 }: Source, work: string): Promise<string> {
  const file = basename(new URL(url).pathname)
  const given = values.sources && (await readFile(join(values.sources, file)).catch(() => undefined))
  const bytes = given || Buffer.from(await (await fetch(url)).arrayBuffer())
  const digest = createHash('sha256').update(bytes).digest('hex')
  if (digest !== sha256) throw new Error(`${url} is not what was pinned: its SHA-256 is ${digest}`)
  const folder = join(work, name)
  await mkdir(folder)
  await writeFile(join(work, file), bytes)
  await promisify(execFile)('tar', ['-xf', join(work, file), '-C', folder, '--strip-components=1'])
  return folder
}

async function keepLicences(name: string, folder: string): Promise<void> {
  const there = (await readdir(folder)).filter((file) => licences.includes(file))
  for (const file of there) await copyFile(join(folder, file), join(out, 'licences', `${name}-${file}`))
}

type Name = 'x264' | 'opus' | 'dav1d' | 'zimg' | 'zlib' | 'ffmpeg'
type Step = readonly [command: string, ...args: string[]]

/** How each is built, one after the other: the last takes in the others. */
const stepsOf = (prefix: string, chosen: readonly string[]): Readonly<Record<Name, readonly Step[]>> => {
  const there = `--prefix=${prefix}`
  const install: readonly Step[] = [
    ['make', jobs],
    ['make', 'install'],
  ]
  return {
    x264: [['./configure', there, ...target.host, ...target.x264, ...x264Options], ...install],
    opus: [['./configure', there, ...target.host, ...opusOptions], ...install],
    dav1d: [
      ['meson', 'setup', 'made', there, '--libdir=lib', ...target.meson, ...dav1dOptions],
      ['ninja', jobs, '-C', 'made', 'install'],
    ],
    zimg: [
      ['autoreconf', '--force', '--install'],
      ['./configure', there, ...target.host, '--disable-shared', '--enable-static'],
      ...install,
    ],
    zlib: [['env', ...target.zlib, './configure', there, '--static'], ...install],
    // Without a prefix: it is not installed, and the folder's name would be in the program.
    ffmpeg: [
      ['./configure', ...configured, ...target.ffmpeg, ...chosen],
      ['make', jobs],
    ],
  }
}

const x264Options = '--enable-static --disable-cli --disable-opencl --bit-depth=8 --enable-strip'.split(' ')
const opusOptions = '--disable-shared --disable-doc --disable-extra-programs'.split(' ')
const dav1dOptions = '--default-library=static --buildtype=release -Denable_tools=false -Denable_tests=false'.split(' ')

/** No network, no devices, no other program, nothing that was not asked for; GPL, for the sake of x264. */
const configured = [
  '--disable-everything --disable-autodetect --disable-network --disable-doc --disable-debug --disable-ffplay',
  '--disable-ffprobe --disable-avdevice --disable-postproc --enable-gpl --enable-libx264 --enable-libopus',
  '--enable-libdav1d --enable-libzimg --enable-zlib --pkg-config=pkg-config --pkg-config-flags=--static --enable-static',
  '--disable-shared',
]
  .join(' ')
  .split(' ')
  .concat('--extra-ldflags=-static', '--extra-libs=-lstdc++ -lm -lpthread')

async function build(): Promise<void> {
  const sources = await read<Record<Name, Source>>('sources.json')
  const components = await read<Readonly<Record<string, readonly string[]>>>('components.json')
  const chosen = Object.entries(components).flatMap(([kind, names]) => names.map((name) => `--enable-${kind}=${name}`))
  const work = await mkdtemp(join(tmpdir(), 'catamaran-ffmpeg-'))
  const prefix = join(work, 'prefix')
  await rm(out, { recursive: true, force: true })
  for (const name of ['bin', 'licences']) await mkdir(join(out, name), { recursive: true })
  try {
    await writeFile(crossFile, mesonCrossFile(values.arch))
    for (const [name, steps] of Object.entries(stepsOf(prefix, chosen)) as [Name, readonly Step[]][]) {
      const folder = await unpacked(name, sources[name], work)
      for (const [command, ...args] of steps) await run(command, args, folder, prefix)
      await keepLicences(name, folder)
    }
    await copyFile(join(work, 'ffmpeg/ffmpeg'), join(out, 'bin/ffmpeg'))
    const made = Object.entries(sources).map(([name, one]) =>
      [name, one.version, one.licence, one.sha256, one.url].join('  '),
    )
    await writeFile(join(out, 'licences/SOURCES'), `${made.join('\n')}\n`)
  } finally {
    await rm(work, { recursive: true, force: true })
    await rm(crossFile, { force: true })
  }
  await assertWhole(components)
}

/** Two decoders have one name where they are chosen, and another where they are listed. */
const shownAs: Readonly<Record<string, string>> = { movtext: 'mov_text', msmpeg4v3: 'msmpeg4' }

/** Throws when something of the list is not in the program, or it is too large. */
async function assertWhole(components: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const program = join(out, 'bin/ffmpeg')
  const { size } = await stat(program)
  const [command, ...before] = [...target.runner, program]
  const lacking: string[] = []
  for (const kind of ['encoder', 'decoder', 'filter'] as const) {
    const { stdout } = await promisify(execFile)(command, [...before, '-hide_banner', `-${kind}s`])
    const there = new Set([...stdout.matchAll(/^ [A-Z.]{2,6} ([\w-]+) /gm)].map(([, name]) => name))
    const named = (components[kind] ?? []).map((name) => shownAs[name] ?? name).filter((name) => !there.has(name))
    lacking.push(...named.map((name) => `${kind} ${name}`))
  }
  console.log(`${program.slice(root.length)}  ${(size / 1024 / 1024).toFixed(1)} MB`)
  if (lacking.length > 0) throw new Error(`Not in the program: ${lacking.join(', ')}`)
  if (size > programBytesMax) throw new Error(`It is larger than ${programBytesMax / 1024 / 1024} MB`)
}

await build()
