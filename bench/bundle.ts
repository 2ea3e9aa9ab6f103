import { basename, join } from 'node:path'
import { build } from 'esbuild'

/** Bundles a measured program as what deploys is, so that its memory is that of a function. The path of what to run. */
export async function bundleProgram(entry: string, folder: string): Promise<string> {
  await build({
    entryPoints: [entry],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What a program loads only when it needs it is a file of its own.
    splitting: true,
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
  return join(folder, `${basename(entry, '.ts')}.mjs`)
}
