import { join } from 'node:path'
import { build } from 'esbuild'

/** Bundles the copying process as what deploys is, so that its memory is that of a function. The path of the program. */
export async function bundleCopier(folder: string): Promise<string> {
  const outfile = join(folder, 'copier.mjs')
  await build({
    entryPoints: ['bench/objects/copier-child.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    mainFields: ['module', 'main'],
    conditions: ['module'],
    // What is CommonJS still asks for Node's own modules by `require`.
    banner: { js: "import { createRequire as __r } from 'node:module';const require=__r(import.meta.url);" },
    logLevel: 'silent',
  })
  return outfile
}
