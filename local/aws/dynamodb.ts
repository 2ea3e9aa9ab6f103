import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:http'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { awsPorts, portBaseDefault } from './ports.ts'
import { closeServer, listen, runProcess, type Running, StartError } from './process.ts'

export interface DynamoDbOptions {
  /** Tables are kept below this folder. */
  readonly data: string
  readonly port: number
}

export interface DynamoDb {
  readonly endpoint: string
  readonly pid: number
  /** Settles when the process ends by itself or by `close`. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

const startMsMax = 60_000
const javaVersionMin = 17
/** Named by DynamoDB Local itself when it runs with -sharedDb. */
const databaseFile = 'shared-local-instance.db'

/** Where Java is. Throws StartError when there is none, or one too old. */
export function findJava(environment: Readonly<Record<string, string | undefined>>): string {
  const home = environment.JAVA_HOME
  const java = home ? join(home, 'bin', 'java') : 'java'
  const { status, stderr } = spawnSync(java, ['-version'], {
    encoding: 'utf8',
    env: { PATH: environment.PATH ?? '' },
  })
  const [, version] = /version "(?:1\.)?(\d+)/.exec(stderr ?? '') ?? []
  if (status === 0 && Number(version) >= javaVersionMin) return java
  const found = version
    ? `found Java ${version}`
    : home
      ? `there is none in JAVA_HOME=${home}`
      : 'none was found on PATH'
  const cure = 'install it (Debian: apt-get install openjdk-17-jre-headless), or set JAVA_HOME'
  throw new StartError(`Java ${javaVersionMin} or newer is needed to run DynamoDB Local, but ${found}: ${cure}.`)
}

/**
 * Starts DynamoDB Local on its own data folder and waits until it answers.
 *
 * Its SQLite file is made beforehand in write-ahead mode, a property that stays with the file: a commit then costs one
 * sync instead of several, and what was acknowledged still outlives the process.
 */
export async function startDynamoDb({ data, port }: DynamoDbOptions): Promise<DynamoDb> {
  const java = findJava(process.env)
  await checkPort(port)
  const folder = resolve(data, 'dynamodb')
  mkdirSync(folder, { recursive: true })
  useWriteAheadLog(join(folder, databaseFile))
  const jar = jarPath()
  const settings = ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
  const library = `-Djava.library.path=${join(dirname(jar), 'DynamoDBLocal_lib')}`
  const options = ['-port', String(port), '-sharedDb', '-dbPath', folder, '-disableTelemetry']
  const command = ['-c', guardian, 'sh', java, ...settings, library, '-jar', jar, ...options]
  const child = spawn('sh', command, { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  const pid = firstLine(child)
  // The guardian stops Java when its input ends: here on purpose, or because this process died.
  const close = async () => {
    child.stdin?.destroy()
    await ended
  }
  const endpoint = `http://127.0.0.1:${port}`
  try {
    await untilAnswers(endpoint, child)
  } catch (error) {
    await close()
    throw error
  }
  return { endpoint, pid: Number(await pid), ended, close }
}

/** Runs its arguments, tells their process id, and ends them when its own input ends. */
const guardian = `
  exec 3<&0
  "$@" </dev/null 1>&2 &
  child=$!
  echo $child
  (cat <&3 >/dev/null; kill -9 $child 2>/dev/null) &
  wait $child
`

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((done) => {
    child.stdout?.once('data', (piece: Buffer) => done(piece.toString().trim()))
    child.once('exit', () => done(''))
  })
}

async function checkPort(port: number): Promise<void> {
  const probe = createServer()
  await listen(probe, port, 'DynamoDB Local')
  await closeServer(probe)
}

function useWriteAheadLog(file: string): void {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode = WAL')
  database.close()
}

function jarPath(): string {
  const manifest = createRequire(import.meta.url).resolve('amplify-dynamodb-simulator/package.json')
  const jar = join(dirname(manifest), 'emulator', 'DynamoDBLocal.jar')
  if (existsSync(jar)) return jar
  throw new StartError(`DynamoDB Local is missing (${jar}): run npm ci again.`)
}

async function untilAnswers(endpoint: string, child: ChildProcess): Promise<void> {
  const endMs = Date.now() + startMsMax
  while (Date.now() < endMs) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new StartError('DynamoDB Local ended at once: see its messages above.')
    }
    try {
      await (await fetch(endpoint)).arrayBuffer()
      return
    } catch {
      await new Promise((done) => setTimeout(done, 50))
    }
  }
  throw new StartError(`DynamoDB Local did not answer within ${startMsMax / 1000} s.`)
}

async function start(): Promise<Running> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: '.data' },
      'port-base': { type: 'string', default: String(portBaseDefault) },
    },
  })
  const { dynamodb: port } = awsPorts(Number(values['port-base']))
  const dynamodb = await startDynamoDb({ data: values.data, port })
  let closing = false
  void dynamodb.ended.then(() => {
    if (!closing) process.exit(1)
  })
  return {
    ready: { name: 'dynamodb', dynamodb: dynamodb.endpoint, pid: dynamodb.pid },
    close: () => {
      closing = true
      return dynamodb.close()
    },
  }
}

if (import.meta.main) await runProcess(start)
