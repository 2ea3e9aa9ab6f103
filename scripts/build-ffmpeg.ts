/**
 * `npm run build:ffmpeg [-- --sources FOLDER]`: ffmpeg for this machine's processor, static, with what the converter uses and
 * nothing else, to dist/ffmpeg/linux-x64 or dist/ffmpeg/linux-arm64: bin/ffmpeg, its licences, a list of what it was made of.
 * Needs gcc, make, pkg-config, and nasm on x64. The sources are pinned by digest; a folder spares their download.
 */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'

interface Source {
  readonly version: string
  readonly url: string
  readonly sha256: string
  readonly licence: string
}

const root = fileURLToPath(new URL('..', import.meta.url))
const platform = `${process.platform}-${process.arch}`
const out = join(root, 'dist/ffmpeg', platform)
const programBytesMax = 24 * 1024 * 1024
const jobs = `-j${availableParallelism()}`
const licences = ['COPYING', 'COPYING.GPLv2', 'LICENSE.md', 'CREDITS', 'AUTHORS']

const { values } = parseArgs({ options: { sources: { type: 'string' } } })
const read = async <T>(name: string): Promise<T> =>
  JSON.parse(await readFile(join(root, 'scripts/ffmpeg', name), 'utf8')) as T

/** Says what it runs; throws when it fails, with what was said on standard error. */
async function run(command: string, args: readonly string[], cwd: string, prefix: string): Promise<void> {
  console.log(`${basename(cwd)}: ${command} ${args.slice(0, 3).join(' ')}${args.length > 3 ? ' ...' : ''}`)
  const env = {
    ...process.env,
    PKG_CONFIG_PATH: join(prefix, 'lib/pkgconfig'),
    PKG_CONFIG_LIBDIR: join(prefix, 'lib/pkgconfig'),
  }
  await new Promise<void>((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-4_000)))
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}\n${said}`)),
    )
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

async function build(): Promise<void> {
  const sources = await read<Record<'x264' | 'opus' | 'ffmpeg', Source>>('sources.json')
  const components = await read<Readonly<Record<string, readonly string[]>>>('components.json')
  const work = await mkdtemp(join(tmpdir(), 'catamaran-ffmpeg-'))
  const prefix = join(work, 'prefix')
  await rm(out, { recursive: true, force: true })
  for (const name of ['bin', 'licences']) await mkdir(join(out, name), { recursive: true })
  const make = async (name: keyof typeof sources, options: readonly string[]): Promise<string> => {
    const folder = await unpacked(name, sources[name], work)
    await run('./configure', [`--prefix=${prefix}`, ...options], folder, prefix)
    await run('make', [jobs], folder, prefix)
    if (name !== 'ffmpeg') await run('make', ['install'], folder, prefix)
    await keepLicences(name, folder)
    return folder
  }
  try {
    await make('x264', ['--enable-static', '--disable-cli', '--disable-opencl', '--bit-depth=8', '--enable-strip'])
    await make('opus', ['--disable-shared', '--disable-doc', '--disable-extra-programs'])
    const chosen = Object.entries(components).flatMap(([kind, names]) =>
      names.map((name) => `--enable-${kind}=${name}`),
    )
    const folder = await make('ffmpeg', [...configured, ...chosen])
    await copyFile(join(folder, 'ffmpeg'), join(out, 'bin/ffmpeg'))
    const made = Object.entries(sources).map(([name, one]) =>
      [name, one.version, one.licence, one.sha256, one.url].join('  '),
    )
    await writeFile(join(out, 'licences/SOURCES'), `${made.join('\n')}\n`)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  await assertWhole(components)
}

/** No network, no devices, no other program, nothing that was not asked for; GPL, for the sake of x264. */
const configured = [
  '--disable-everything --disable-autodetect --disable-network --disable-doc --disable-debug --disable-ffplay',
  '--disable-ffprobe --disable-avdevice --disable-postproc --enable-gpl --enable-libx264 --enable-libopus',
  '--pkg-config-flags=--static --enable-static --disable-shared',
]
  .join(' ')
  .split(' ')
  .concat('--extra-ldflags=-static', '--extra-libs=-lm -lpthread')

/** Throws when something of the list is not in the program, or it is too large. */
async function assertWhole(components: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const program = join(out, 'bin/ffmpeg')
  const { size } = await stat(program)
  const lacking: string[] = []
  for (const kind of ['encoder', 'filter'] as const) {
    const { stdout } = await promisify(execFile)(program, ['-hide_banner', `-${kind}s`])
    const there = new Set([...stdout.matchAll(/^ [A-Z.]{2,6} ([\w-]+) /gm)].map(([, name]) => name))
    lacking.push(...(components[kind] ?? []).filter((name) => !there.has(name)).map((name) => `${kind} ${name}`))
  }
  console.log(`${program.slice(root.length)}  ${(size / 1024 / 1024).toFixed(1)} MB`)
  if (lacking.length > 0) throw new Error(`Not in the program: ${lacking.join(', ')}`)
  if (size > programBytesMax) throw new Error(`It is larger than ${programBytesMax / 1024 / 1024} MB`)
}

await build()
