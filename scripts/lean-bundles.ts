import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Plugin } from 'esbuild'

/** zod carries its messages in fifty languages, 300 KB in every bundle; ours speak English. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup: (builder) => {
    builder.onResolve({ filter: /locales\/index\.js$/ }, ({ importer, path }) =>
      importer.includes('node_modules/zod/')
        ? { path: join(dirname(importer), path), namespace: 'english-only', sideEffects: false }
        : undefined,
    )
    builder.onLoad({ filter: /.*/, namespace: 'english-only' }, ({ path }) => ({
      contents: "export { default as en } from './en.js'",
      resolveDir: dirname(path),
    }))
  },
}

/** The documented routes take the whole of zod along to add one method to one class of it: 100 KB that nothing calls. */
const oneClassOfZod: Plugin = {
  name: 'one-class-of-zod',
  setup: (builder) => {
    builder.onResolve({ filter: /^zod$/ }, ({ importer }) =>
      /@hono\/zod-openapi\/dist\//.test(importer)
        ? { path: 'zod', namespace: 'one-class-of-zod', pluginData: dirname(importer) }
        : undefined,
    )
    builder.onLoad({ filter: /.*/, namespace: 'one-class-of-zod' }, ({ pluginData }) => ({
      contents: "import { ZodType } from 'zod'\nexport const z = { ZodType }",
      resolveDir: String(pluginData),
    }))
  },
}

/**
 * Every client is given the identity of its function (`aws/adapters/identity.ts`), so the SDK's own chain is never asked. It
 * looks in the files, sign-ins and services of developers' machines as well: 90 KB in every bundle, for what no function has.
 */
const credentialsOfFunctions: Plugin = {
  name: 'credentials-of-functions',
  setup: (builder) => {
    builder.onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, ({ resolveDir }) => ({
      path: 'credentials',
      namespace: 'credentials-of-functions',
      pluginData: resolveDir,
    }))
    builder.onLoad({ filter: /.*/, namespace: 'credentials-of-functions' }, ({ pluginData }) => ({
      contents: "export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env'",
      resolveDir: String(pluginData),
    }))
  },
}

/**
 * The SDK describes every operation by a constant, which esbuild keeps, used or not, since a computed name in it might do
 * something. They do nothing: 60 KB in every bundle for operations that nobody calls.
 */
const usedSchemasOnly: Plugin = {
  name: 'used-schemas-only',
  setup: (builder) => {
    builder.onLoad({ filter: /@aws-sdk\/client-[^/]+\/dist-es\/schemas\/schemas_0\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(
        /^export var (\S+) = (\[[^]*?\]);$/gm,
        'export var $1 = /* @__PURE__ */ (() => $2)();',
      ),
    }))
  },
}

/** A client reads its own version for the header `User-Agent`, and takes all of its package.json along for that. */
const versionsOnly: Plugin = {
  name: 'versions-only',
  setup: (builder) => {
    builder.onLoad({ filter: /@aws-sdk\/[^/]+\/package\.json$/ }, async ({ path }) => {
      const { name, version } = JSON.parse(await readFile(path, 'utf8')) as Readonly<Record<string, string>>
      return { contents: JSON.stringify({ name, version }), loader: 'json' }
    })
  },
}

/** Azure Storage's own checksum, in WebAssembly: 85 KB, loaded by an option that is never set, as the core has sums of its own. */
const noChecksumsOfAzure: Plugin = {
  name: 'no-checksums-of-azure',
  setup: (builder) => {
    builder.onLoad({ filter: /@azure\/storage-common\/dist\/esm\/crc64\.js$/ }, () => ({
      contents: "export default () => Promise.reject(new Error('Checksums of Azure Storage are not in this bundle'))",
    }))
  },
}

/**
 * DynamoDB could tell its client other addresses, which none of ours asks for: 8 KB in every bundle, of a list that forgets what
 * was used least. This one keeps nothing, so that the address of the region is taken.
 */
const noAddressesOfDynamo: Plugin = {
  name: 'no-addresses-of-dynamo',
  setup: (builder) => {
    builder.onLoad({ filter: /@aws-sdk\/endpoint-cache\/dist-es\/EndpointCache\.js$/ }, () => ({
      contents:
        'export class EndpointCache { getEndpoint() {} get() {} set() {} delete() {} has() { return false } clear() {} }',
    }))
  },
}

/** What is imported when it is needed is a file beside the bundle, where `files` names it. */
export const apart = (files: Readonly<Record<string, string>>): Plugin => ({
  name: 'apart',
  setup: (builder) => {
    builder.onResolve({ filter: /\.ts$/ }, ({ kind, path }) => {
      const file = kind === 'dynamic-import' ? files[basename(path)] : undefined
      return file === undefined ? undefined : { path: `./${file}`, external: true }
    })
  },
})

/** They leave out of the bundles what no function of ours can reach, which esbuild cannot know. */
export const lean: Plugin[] = [
  englishOnly,
  oneClassOfZod,
  credentialsOfFunctions,
  usedSchemasOnly,
  versionsOnly,
  noChecksumsOfAzure,
  noAddressesOfDynamo,
]
