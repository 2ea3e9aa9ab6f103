import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FunctionMetadata } from '../local/azure/functions-host/core-types.ts'
import { build } from '../scripts/build.ts'
import { samplePeerKeys, sampleSecrets, sampleSigningKeys } from './samples.ts'
import type { Sources } from './sources.ts'

const child = fileURLToPath(new URL('azure-app-child.ts', import.meta.url))
const loadMsMax = 60_000

/** Addresses that nobody answers at: loading the app calls nobody. */
const environment = {
  CATAMARAN_STAGE: 'any',
  PUBLIC_URL: 'https://azure.example',
  EDGE_URL: 'https://edge.example',
  PEER_URL: 'https://aws.example',
  PEER_PRIVATE_KEY: sampleSecrets.peerPrivateKey,
  PEER_PUBLIC_KEYS: samplePeerKeys,
  SIGNING_PRIVATE_KEY: sampleSecrets.signingPrivateKey,
  SIGNING_PUBLIC_KEYS: sampleSigningKeys,
  COSMOS__accountEndpoint: 'https://records.example',
  COSMOS_DATABASE: 'catamaran',
  STORAGE__blobServiceUri: 'https://blobs.example',
  STORAGE__queueServiceUri: 'https://queues.example',
}

const made = new WeakMap<Sources, Promise<FunctionMetadata[]>>()
/** By bundle, for many copies of the repository hold the same one. */
const loaded = new Map<string, Promise<FunctionMetadata[]>>()

/** What the Functions app registers when its bundle, built from these sources, is loaded. Throws when it cannot be loaded. */
export function registrationsOf(sources: Sources): Promise<FunctionMetadata[]> {
  const known =
    made.get(sources) ?? build({ root: sources.root }).then(() => loadOnce(join(sources.root, 'dist/azure')))
  made.set(sources, known)
  return known
}

async function loadOnce(folder: string): Promise<FunctionMetadata[]> {
  const digest = createHash('sha256')
    .update(await readFile(join(folder, 'index.cjs')))
    .digest('hex')
  const known = loaded.get(digest) ?? load(folder)
  loaded.set(digest, known)
  return known
}

/** In a process of its own: the app reads its environment as it is loaded. */
const load = (folder: string): Promise<FunctionMetadata[]> =>
  new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH, ...environment }
    const loader = spawn(process.execPath, [child, folder], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => loader.kill('SIGKILL'), loadMsMax)
    let [output, errors] = ['', '']
    loader.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
    loader.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()))
    loader.once('error', reject)
    loader.once('close', (code) => {
      clearTimeout(timer)
      const line = output.split('\n').find((text) => text.startsWith('registered '))
      if (code === 0 && line) resolve(JSON.parse(line.slice('registered '.length)) as FunctionMetadata[])
      else reject(new Error(`The Functions app cannot be loaded: ${errors.trim().slice(0, 500)}`))
    })
  })
