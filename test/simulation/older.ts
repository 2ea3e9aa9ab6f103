import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Site } from '../../shared/domain/site.ts'
import { sites } from '../../shared/domain/site.ts'
import type { Streams } from './chance.ts'
import { code, type Code } from './code.ts'

/** Two versions in one run: one site begins with the older, and is upgraded, rolled back and upgraded again. */
export interface TwoVersions {
  readonly older: Code
  readonly site: Site
  /** When the site changes its version, in virtual milliseconds. */
  readonly changesMs: readonly number[]
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const codePath = 'test/simulation/code.ts'
const changesMax = 3
const versionMsMax = 600_000

/**
 * Unpacks the code of a commit where a worker finds it, and answers with the folder. What acts for a site is listed by the present
 * code.ts, so a commit that lacks one of the functions cannot be run beside this one, and loading it says which.
 */
export function unpackOlder(commit: string): string {
  const archive = archiveOf(commit)
  const folder = mkdtempSync(join(tmpdir(), 'catamaran-older-'))
  execFileSync('tar', ['-x', '-C', folder], { input: archive })
  mkdirSync(join(folder, 'test/simulation'), { recursive: true })
  copyFileSync(join(root, codePath), join(folder, codePath))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

function archiveOf(commit: string): Buffer {
  const git = spawnSync('git', ['archive', commit, 'shared', 'package.json'], { cwd: root, maxBuffer: 2 ** 28 })
  if (git.status === 0) return git.stdout
  throw new Error(`The code of ${commit} cannot be had: ${git.error?.message ?? git.stderr.toString().trim()}`)
}

export async function loadOlder(folder: string): Promise<Code> {
  const { code: older } = (await import(pathToFileURL(join(folder, codePath)).href)) as { code: Code }
  await older.hashing
  return older
}

/** Which site begins with the older version, and when it changes. */
export function drawVersions({ upgrade }: Streams, older: Code): TwoVersions {
  const changesMs: number[] = []
  for (let changes = upgrade.pick(changesMax + 1); changes > 0; changes--) {
    changesMs.push((changesMs.at(-1) ?? 0) + 1 + upgrade.pick(versionMsMax))
  }
  return { older, site: upgrade.of(sites), changesMs }
}

/** What an invocation that begins now at a site runs. */
export function codeAt(two: TwoVersions | undefined, site: Site, nowMs: number): Code {
  if (two?.site !== site) return code
  const changed = two.changesMs.filter((ms) => ms <= nowMs).length
  return changed % 2 === 0 ? two.older : code
}
