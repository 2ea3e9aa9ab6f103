import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FunctionSpec } from '../../../local/aws/lambda/function-spec.ts'

export const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'lambda-'))

/** Writes a CommonJS bundle and describes it as a function. */
export async function functionOf(
  folder: string,
  name: string,
  source: string,
  more: Partial<FunctionSpec> = {},
): Promise<FunctionSpec> {
  await mkdir(join(folder, name), { recursive: true })
  const bundle = join(folder, name, 'index.cjs')
  await writeFile(bundle, source)
  return {
    name,
    arn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
    bundle,
    env: { PATH: process.env.PATH ?? '', GREETING: 'hello' },
    timeoutMs: 10_000,
    memoryMb: 128,
    ...more,
  }
}
