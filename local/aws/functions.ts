import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { FunctionSpec } from './lambda/function-spec.ts'
import { StartError } from './process.ts'
import { logicalFunctionId, type Stack } from './stack.ts'
import { evaluate, type Mapping, textOf } from './template.ts'

/** What the host hands on to the functions when it has it itself; everything else comes from the template. */
const passedOn = [
  'CATAMARAN_STAGE',
  'PEER_URL',
  'PUBLIC_URL',
  'EDGE_URL',
  'PEER_PRIVATE_KEY',
  'PEER_PUBLIC_KEYS',
  'SIGNING_PRIVATE_KEY',
  'SIGNING_PUBLIC_KEYS',
  'LOG_LEVEL',
  'SITE_INCARNATION',
  'ALLOWED_ORIGINS',
  'PRIVATE_ADDRESSES',
  'FFMPEG_PATH',
  'FILM_PART_PIXELS',
  'ANALYTICS_PROGRAM',
  'EDGE_KEY_PAIR_ID',
  'EDGE_PRIVATE_KEY',
  'AWS_REGION',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_ENDPOINT_URL_DYNAMODB',
  'AWS_ENDPOINT_URL_S3',
  'AWS_ENDPOINT_URL_SQS',
  'S3_FORCE_PATH_STYLE',
  'PATH',
  'HOME',
  'TMPDIR',
]

export interface FunctionsOptions {
  /** The folder of bundles: `<dist>/<function>/index.cjs`. */
  readonly dist: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The template's functions, by their key in serverless.yml. Throws StartError when a bundle has not been built. */
export function functionsOf(stack: Stack, { dist, env }: FunctionsOptions): Map<string, FunctionSpec> {
  const { provider, functions } = stack.template
  const host = textsOf(Object.fromEntries(passedOn.map((name) => [name, env[name] ?? null])))
  // What the host has itself needs not be worked out, and often cannot be here: the address of an edge, say.
  const needed = Object.entries((provider.environment ?? {}) as Mapping).filter(([name]) => !(name in host))
  const shared = textsOf(evaluate(Object.fromEntries(needed), stack) as Mapping)
  return new Map(
    Object.entries(functions).map(([key, settings]) => {
      const name = textOf(settings.name)
      const memoryMb = Number(settings.memorySize ?? provider.memorySize)
      const folder = basename(dirname(textOf(settings.handler)))
      const bundle = resolve(join(dist, folder, 'index.cjs'))
      if (!existsSync(bundle)) throw new StartError(`The bundle ${bundle} is missing: run npm run build first.`)
      const lambda = {
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        LAMBDA_TASK_ROOT: dirname(bundle),
        TZ: ':UTC',
      }
      const own = textsOf(evaluate(settings.environment ?? {}, stack) as Mapping)
      const spec: FunctionSpec = {
        name,
        arn: stack.attribute(logicalFunctionId(key), 'Arn'),
        bundle,
        env: { ...shared, ...own, ...host, ...lambda },
        timeoutMs: Number(settings.timeout ?? provider.timeout) * 1000,
        memoryMb,
      }
      return [key, spec]
    }),
  )
}

/** Values that only CloudFormation could resolve (secrets) are left out: the host brings its own. */
const textsOf = (values: Mapping): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, textOf(value)] as const)
      .filter(([, text]) => text !== '' && !text.startsWith('{{resolve:')),
  )
