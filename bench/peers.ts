import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const folder = fileURLToPath(new URL('peers', import.meta.url))

/** The folder where the programs to compare with are installed; the first time, it installs them. Undefined without a registry. */
export async function peersFolder(needed: string): Promise<string | undefined> {
  if (existsSync(`${folder}/node_modules/${needed}`)) return folder
  process.stderr.write('Installing what is compared with, once\n')
  try {
    await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder })
    return folder
  } catch (error) {
    process.stderr.write(`It cannot be installed, so nothing is compared with: ${(error as Error).message}\n`)
    return undefined
  }
}
