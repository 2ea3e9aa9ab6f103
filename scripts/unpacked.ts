import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { heifPackage } from './stage-heif.ts'

/** What the function that converts may unpack, in bytes: by itself, and with what somebody added, ffmpeg or the decoder of HEIC. */
export const unpackedBytesMax = { plain: 25_000_000, whole: 80_000_000 }

/** What the function that converts unpacks at one cloud. */
export interface Unpacked {
  readonly cloud: 'aws' | 'azure'
  readonly platform: string
  /** Relative to the repository's root. */
  readonly files: readonly string[]
  readonly plainBytes: number
  readonly wholeBytes: number
}

const added = new RegExp(`^dist/(ffmpeg|azure-app/bin|azure-app/licences|(azure-app/)?node_modules/${heifPackage})/`)

const root = fileURLToPath(new URL('..', import.meta.url))

/** By the patterns of `serverless.yml`, as far as they are laid out. */
export async function unpackedAtAws(): Promise<Unpacked> {
  const { functions } = parse(await readFile(join(root, 'serverless.yml'), 'utf8')) as {
    functions: { job: { package: { patterns: string[] } } }
  }
  const folders = functions.job.package.patterns.map((pattern) => pattern.replace(/\/\*\*$/, ''))
  const files = (await Promise.all(folders.map(filesIn))).flat()
  return { cloud: 'aws', platform: 'linux-arm64', files, ...(await bytesOf(files)) }
}

export async function unpackedAtAzure(): Promise<Unpacked> {
  const files = await filesIn('dist/azure-app')
  return { cloud: 'azure', platform: 'linux-x64', files, ...(await bytesOf(files)) }
}

/** Throws when it is more than it may be. */
export function assertSmall({ cloud, plainBytes, wholeBytes }: Unpacked): void {
  const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`
  const { plain, whole } = unpackedBytesMax
  if (plainBytes > plain) throw new Error(`${cloud} unpacks ${megabytes(plainBytes)}, of ${megabytes(plain)}`)
  if (wholeBytes > whole) throw new Error(`${cloud} unpacks ${megabytes(wholeBytes)} in all, of ${megabytes(whole)}`)
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(root.length).replaceAll('\\', '/'))
}

async function bytesOf(files: readonly string[]): Promise<Pick<Unpacked, 'plainBytes' | 'wholeBytes'>> {
  const sum = async (paths: readonly string[]): Promise<number> => {
    const sizes = await Promise.all(paths.map(async (path) => (await stat(join(root, path))).size))
    return sizes.reduce((total, size) => total + size, 0)
  }
  return { plainBytes: await sum(files.filter((path) => !added.test(path))), wholeBytes: await sum(files) }
}
