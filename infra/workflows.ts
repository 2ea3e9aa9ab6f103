import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const child = fileURLToPath(new URL('workflows-child.ts', import.meta.url))

/** What GitHub's own parser finds in the workflows of a repository. In a process of its own, which loads it as Node does. */
export async function workflowFaults(root: string): Promise<{ file: string; problem: string }[]> {
  const { stdout } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', child, root], {
    env: { PATH: process.env.PATH },
  })
  return JSON.parse(stdout) as { file: string; problem: string }[]
}

/** What bash says of a script that it only reads; nothing when it understands it. */
export function scriptFault(script: string): string | undefined {
  const { status, stderr } = spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })
  return status === 0 ? undefined : stderr.trim().replaceAll('\n', '; ')
}
