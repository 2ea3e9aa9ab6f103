/**
 * Makes what deploys, which is also what runs locally:
 *   dist/aws/<function>/index.cjs   one Lambda bundle a function, exporting `handler`
 *   dist/azure/index.cjs            one bundle that registers every function of the Functions app, beside host.json
 *   dist/azure/job.cjs              what the job function loads when the first job comes
 *   dist/{aws/job,azure}/reader.cjs the program that reads strangers' containers, which the job function starts
 *   dist/{aws/job,azure}/pdfium.wasm.br  what that program reads PDFs with, packed: a third of its size
 *   dist/maps/                      source maps and licence notices, kept out of the packages
 * The same inputs give the same bytes. A second run that finds its inputs unchanged does nothing.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { brotliCompressSync, constants } from 'node:zlib'
import { type BuildOptions, build as esbuild } from 'esbuild'
import { apart, lean } from './lean-bundles.ts'

export const functionNames = ['http', 'change-feed', 'object-created', 'job', 'timer'] as const

interface BuildReport {
  /** False when nothing had changed since the last build. */
  readonly built: boolean
  readonly millis: number
  /** Bytes by path under `dist/`. */
  readonly bytes: Readonly<Record<string, number>>
}

interface Manifest {
  /** Digest by input path, relative to the root. An import of a new file changes a file that is already listed. */
  readonly inputs: Readonly<Record<string, string>>
  /** Digest by output path, relative to `dist/`. */
  readonly outputs: Readonly<Record<string, string>>
  readonly bytes: Readonly<Record<string, number>>
}

const rootFolder = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Inputs that no metafile lists: the dependencies by their lock file, this script, and what is copied. */
const fixedInputs = ['package-lock.json', 'scripts/build.ts', 'scripts/lean-bundles.ts', 'tsconfig.json', 'host.json']

/**
 * `@azure/functions-core` exists only inside the Functions host; sharp and the ffmpeg package carry native binaries;
 * the AWS SDK is bundled because the one in the Lambda runtime is slower to load and changes under us.
 */
const external = ['@azure/functions-core', 'sharp', '@ffmpeg-installer/ffmpeg']

const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'cjs',
  // Packages ship ES modules beside CommonJS, and only those can be shaken free of what is not used.
  mainFields: ['module', 'main'],
  conditions: ['module'],
  plugins: lean,
  minify: true,
  sourcemap: 'external',
  legalComments: 'external',
  charset: 'utf8',
  external,
  // Some dependencies read `import.meta.url`, which CommonJS does not have.
  define: { 'import.meta.url': '__u' },
  banner: { js: "const __u=require('node:url').pathToFileURL(__filename).href;" },
  metafile: true,
  write: false,
  logLevel: 'silent',
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const digestFile = async (path: string): Promise<string> => digest(await readFile(path).catch(() => Buffer.alloc(0)))

const digestAll = async (folder: string, paths: Iterable<string>): Promise<Record<string, string>> => {
  const sorted = [...new Set(paths)].sort()
  const digests = await Promise.all(sorted.map((path) => digestFile(join(folder, path))))
  return Object.fromEntries(sorted.map((path, index) => [path, digests[index] ?? '']))
}

const sameDigests = async (folder: string, expected: Readonly<Record<string, string>>): Promise<boolean> => {
  const found = await digestAll(folder, Object.keys(expected))
  return Object.entries(expected).every(([path, value]) => found[path] === value)
}

/** Never leaves half a bundle under the final name, whoever else is building or reading at the same time. */
const writeWhole = async (path: string, contents: Uint8Array | string): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.tmp`
  await writeFile(temporary, contents)
  await rename(temporary, path)
}

/** A program that the job function starts: it lies beside its bundle in both clouds. */
const readerProgram = 'shared/media/reader-program.ts'

/** One run for all Lambda functions, so that what they share is read once; one for the Functions app. */
const bundles = (root: string, dist: string): BuildOptions[] => [
  {
    entryPoints: [
      ...functionNames.map((name) => ({ in: join(root, 'aws/handlers', `${name}.ts`), out: `${name}/index` })),
      { in: join(root, readerProgram), out: 'job/reader' },
    ],
    outdir: join(dist, 'aws'),
    outExtension: { '.js': '.cjs' },
  },
  {
    // Each handler module registers itself on import.
    stdin: {
      contents: functionNames.map((name) => `import './azure/handlers/${name}.ts'`).join('\n'),
      resolveDir: root,
      sourcefile: 'azure/app.ts',
      loader: 'ts',
    },
    outfile: join(dist, 'azure/index.cjs'),
    // Node keeps the failure of an import() for good, and loads again what failed by require().
    supported: { 'dynamic-import': false },
    plugins: [...lean, apart({ 'job-runner.ts': 'job.cjs' })],
  },
  {
    entryPoints: [{ in: join(root, 'shared/media/job-runner.ts'), out: 'job' }],
    outdir: join(dist, 'azure'),
    outExtension: { '.js': '.cjs' },
  },
  { entryPoints: [join(root, readerProgram)], outfile: join(dist, 'azure/reader.cjs') },
]

const bundle = async (root: string, dist: string) => {
  const inputs = new Set<string>()
  const bytes: Record<string, number> = {}
  for (const options of bundles(root, dist)) {
    const result = await esbuild({ ...common, ...options, absWorkingDir: root })
    for (const path of Object.keys(result.metafile?.inputs ?? {})) {
      if (!path.includes('node_modules/') && existsSync(join(root, path))) inputs.add(path)
    }
    for (const file of result.outputFiles ?? []) {
      const name = relative(dist, file.path)
      const isBundle = name.endsWith('.cjs')
      await writeWhole(join(dist, isBundle ? name : join('maps', name)), file.contents)
      if (isBundle) bytes[name] = file.contents.byteLength
    }
  }
  return { inputs, bytes }
}

/** Nearly as small as it can be, in a twentieth of the time. */
const packingQuality = 9

/** The program in WebAssembly that reads PDFs, for the job function of both clouds. */
const packPdfium = async (root: string, dist: string): Promise<Record<string, number>> => {
  const program = await readFile(createRequire(join(root, readerProgram)).resolve('@hyzyla/pdfium/pdfium.wasm'))
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: packingQuality,
    [constants.BROTLI_PARAM_SIZE_HINT]: program.length,
  }
  const packed = brotliCompressSync(program, { params })
  const names = ['aws/job/pdfium.wasm.br', 'azure/pdfium.wasm.br']
  for (const name of names) await writeWhole(join(dist, name), packed)
  return Object.fromEntries(names.map((name) => [name, packed.length]))
}

/**
 * Builds every bundle unless the inputs are those of the last build.
 * Fails with esbuild's own error, which names file and line.
 */
export const build = async (
  options: { readonly root?: string; readonly force?: boolean } = {},
): Promise<BuildReport> => {
  const started = performance.now()
  const root = options.root ?? rootFolder
  const dist = join(root, 'dist')
  const manifestPath = join(dist, 'manifest.json')
  const last = await readFile(manifestPath, 'utf8').then(
    (text) => JSON.parse(text) as Manifest,
    () => undefined,
  )
  if (
    options.force !== true &&
    last !== undefined &&
    (await sameDigests(root, last.inputs)) &&
    (await sameDigests(dist, last.outputs))
  ) {
    return { built: false, millis: performance.now() - started, bytes: last.bytes }
  }
  const { inputs, bytes: bundled } = await bundle(root, dist)
  const bytes = { ...bundled, ...(await packPdfium(root, dist)) }
  await writeWhole(join(dist, 'azure/host.json'), await readFile(join(root, 'host.json')))
  await writeWhole(join(dist, 'azure/package.json'), '{\n  "name": "catamaran",\n  "main": "index.cjs"\n}\n')
  const manifest: Manifest = {
    inputs: await digestAll(root, [...fixedInputs, ...inputs]),
    outputs: await digestAll(dist, [...Object.keys(bytes), 'azure/host.json', 'azure/package.json']),
    bytes,
  }
  await writeWhole(manifestPath, JSON.stringify(manifest, null, 2))
  return { built: true, millis: performance.now() - started, bytes }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { force: { type: 'boolean', default: false } } })
  const report = await build({ force: values.force })
  for (const [path, size] of Object.entries(report.bytes)) {
    console.log(`${`dist/${path}`.padEnd(36)} ${(size / 1024).toFixed(0).padStart(6)} KB`)
  }
  console.log(`${report.built ? 'built' : 'unchanged'} in ${(report.millis / 1000).toFixed(2)} s`)
}
