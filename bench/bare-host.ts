import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { portsFrom } from '../local/supervisor/addresses.ts'
import type { Clouds } from '../local/supervisor/clouds.ts'
import type { Site } from '../shared/domain/site.ts'

/** A handler that does nothing but the SDK call, in a host of its own beside the clouds that run, on the same stores. */
export interface BareHost {
  readonly url: string
  stop(): Promise<void>
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const portBase = 14_600
const startMsMax = 60_000

export async function startBareHost(clouds: Clouds, site: Site, folder: string): Promise<BareHost> {
  const dist = join(folder, `bare-${site}`)
  await buildBare(site, dist)
  const data = join(folder, `bare-${site}-data`)
  await mkdir(data, { recursive: true })
  const common = ['--data', data, '--port-base', String(portBase)]
  const child =
    site === 'aws'
      ? start(
          'aws/host.ts',
          [...common, '--dist', dist, '--template', join(root, 'bench/bare/serverless.yml')],
          awsEnv(clouds),
        )
      : start('azure/host.ts', [...common, '--app', dist], azureEnv(clouds))
  await untilReady(child)
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  return { url: `http://127.0.0.1:${portsFrom(portBase)[site].api}`, stop }
}

/** Bundled as what deploys is. */
async function buildBare(site: Site, dist: string): Promise<void> {
  const folder = site === 'aws' ? join(dist, 'http') : dist
  await build({
    entryPoints: [join(root, 'bench/bare', `${site}.ts`)],
    outfile: join(folder, 'index.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    minify: true,
    mainFields: ['module', 'main'],
    external: ['@azure/functions-core'],
    define: { 'import.meta.url': '__u' },
    banner: { js: "const __u=require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'silent',
  })
  if (site === 'aws') return
  await copyFile(join(root, 'host.json'), join(dist, 'host.json'))
  await writeFile(join(dist, 'package.json'), '{"name":"bare","main":"index.cjs"}\n')
}

const start = (file: string, args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess =>
  fork(join(root, 'local', file), args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })

function awsEnv({ connections }: Clouds): Record<string, string> {
  const { region, credentials, dynamodb, s3, sqs } = connections.aws
  return {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    AWS_ENDPOINT_URL_S3: s3,
    AWS_ENDPOINT_URL_SQS: sqs,
  }
}

function azureEnv({ connections }: Clouds): Record<string, string> {
  const { cosmos, cosmosDatabase, storage } = connections.azure
  return { COSMOS: cosmos, COSMOS_DATABASE: cosmosDatabase, STORAGE: storage }
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The bare host did not start')), startMsMax)
    const finish = (outcome: () => void): void => {
      clearTimeout(timer)
      outcome()
    }
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('"ready":true')) finish(resolve)
    })
    child.once('exit', (code) => finish(() => reject(new Error(`The bare host ended with code ${code}`))))
  })
}
