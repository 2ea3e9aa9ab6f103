import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { checkFolder, folderError } from '../../local/supervisor/checks.ts'
import { type ChildEvent, createChild } from '../../local/supervisor/child.ts'
import { lockFolder } from '../../local/supervisor/lock.ts'
import { isAlive } from '../../local/supervisor/process-table.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const portBase = 10_000 + (process.pid % 400) * 50
let folder: string
let started: ChildProcess[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'start-'))
  started = []
})

afterEach(async () => {
  for (const child of started) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
  }
  await rm(folder, { recursive: true, force: true })
})

interface Run {
  readonly child: ChildProcess
  readonly output: () => string
  readonly errors: () => string
  readonly ended: Promise<number | null>
}

const start = (args: readonly string[], env: Record<string, string> = {}): Run => {
  const child = spawn(process.execPath, [join(root, 'local/start.ts'), ...args], {
    env: { PATH: process.env.PATH, HOME: folder, ...env },
  })
  started.push(child)
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (output += String(chunk)))
  child.stderr.on('data', (chunk: Buffer) => (errors += String(chunk)))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, output: () => output, errors: () => errors, ended }
}

const until = async (condition: () => boolean | Promise<boolean>, millisMax: number): Promise<void> => {
  for (const end = Date.now() + millisMax; Date.now() < end; await setTimeout(50)) if (await condition()) return
  throw new Error('what was waited for did not come')
}

describe('one clear line, exit code 1, nothing left running', () => {
  const refuses = async (args: readonly string[], env: Record<string, string>, line: RegExp) => {
    const run = start(args, env)
    expect(await run.ended).toBe(1)
    expect(run.errors()).toMatch(line)
    expect(run.errors().trim().split('\n')).toHaveLength(1)
    expect(run.output()).toBe('')
  }

  test('no Java', async () => {
    await refuses(['--data', folder], { JAVA_HOME: '/nowhere' }, /^Java 17 or newer is needed.*install/)
    expect(await readFile(join(folder, 'lock')).catch(() => 'free')).toBe('free')
  })

  test('a port in use', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(portBase + 22, '127.0.0.1', resolve))
    try {
      const line = new RegExp(`^Port ${portBase + 22} \\(azure blob\\) is in use: .*--port-base`)
      await refuses(['--data', folder, '--port-base', String(portBase)], {}, line)
    } finally {
      server.close()
    }
  })

  test('a data folder that cannot be written', async () => {
    await writeFile(join(folder, 'file'), '')
    await refuses(['--data', join(folder, 'file', 'data')], {}, /^Cannot write to .*a part of the path is a file/)
    await refuses(['--data', '/proc/catamaran'], {}, /^Cannot write to \/proc\/catamaran: /)
  })

  test('a file system that is read-only, or that nobody may write to', async () => {
    // Not a folder of mode 0555, which is no obstacle for root.
    await refuses(
      ['--data', '/sys/catamaran'],
      {},
      /^Cannot write to \/sys\/catamaran: (the file system is read-only|this user)/,
    )
  })

  test('a second start on the same data folder', async () => {
    const lock = await lockFolder(folder, 4500)
    await refuses(['--data', folder], {}, new RegExp(`in use by process ${process.pid} .*kill ${process.pid}.*--data`))
    await lock.release()
  })

  test.each([['--port-base=80'], ['--port-base=x'], ['--schedule-scale=0'], ['--nonsense'], ['stray']])(
    '%s',
    async (arg) => {
      await refuses(['--data', folder, arg], {}, /./)
    },
  )
})

describe('a full disk', () => {
  test('what the system says of one is told with its cure', async () => {
    const full: unknown = await writeFile('/dev/full', 'x').catch((error: unknown) => error)
    const line = /^Cannot write to .*: the disk is full: free some space, or choose another folder with --data\.$/
    expect(folderError(folder, full)).toMatchObject({ name: 'StartError', message: expect.stringMatching(line) })
  })

  test('one with too little room is refused before anything starts', async () => {
    const refusal = checkFolder(folder, 2 ** 60)
    await expect(refusal).rejects.toThrow(/^The disk is full: \d+ MB are left at .*Free some space, or .* --data\.$/)
    expect(await readdir(folder)).toEqual([])
  })
})

describe('the lock', () => {
  test('a holder that is gone is taken over, and so is a lock cut short', async () => {
    const gone = spawn('true')
    await once(gone, 'exit')
    await writeFile(join(folder, 'lock'), JSON.stringify({ pid: gone.pid, started: '1', portBase: 1 }))
    const lock = await lockFolder(folder, 4500)
    expect(lock.takenOver).toBe(true)
    await lock.release()
    await writeFile(join(folder, 'lock'), '{"pid":')
    await (await lockFolder(folder, 4500)).release()
  })

  test('a pid that now belongs to another process does not hold it', async () => {
    await writeFile(join(folder, 'lock'), JSON.stringify({ pid: process.pid, started: 'another time', portBase: 1 }))
    await (await lockFolder(folder, 4500)).release()
  })

  test('of ten that come at once one gets it', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => lockFolder(folder, 4500)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})

describe('one process under supervision', () => {
  const serving = `process.on('disconnect', () => process.exit(0))
    process.on('SIGTERM', () => process.exit(0))
    setInterval(() => 0, 1000)
    console.log('{"ready":true}')`
  const events: ChildEvent[] = []

  const supervise = async (source: string) => {
    const module = join(folder, 'process.mjs')
    await writeFile(module, source)
    events.length = 0
    const spec = { name: 'sample', module, args: [], env: { PATH: process.env.PATH ?? '' }, needs: [] }
    return createChild(spec, folder, (event) => events.push(event))
  }

  test('it is started again after a kill, and not after a stop', async () => {
    const child = await supervise(serving)
    await child.start()
    const first = child.pid()
    await child.kill()
    await child.whenReady()
    expect(child.pid()).not.toBe(first)
    const second = child.pid() ?? 0
    await child.stop()
    await setTimeout(600)
    expect([child.pid(), isAlive(second)]).toEqual([undefined, false])
    expect(events.map(({ kind }) => kind)).toEqual(['starting', 'ready', 'crashed', 'starting', 'ready', 'stopped'])
  })

  test('what it started goes with it', async () => {
    const child = await supervise(`import { spawn } from 'node:child_process'
      console.log(spawn('sleep', ['60']).pid)
      ${serving}`)
    await child.start()
    const grandchild = Number((await readFile(child.logPath, 'utf8')).match(/^\d+$/m)?.[0])
    expect(isAlive(grandchild)).toBe(true)
    await child.kill()
    await until(() => !isAlive(grandchild), 2000)
    await child.stop()
  })

  test('one that ends before it serves says why', async () => {
    const child = await supervise(`console.error('Port 1 is in use: choose another.'); process.exit(1)`)
    await expect(child.start()).rejects.toThrow('sample ended (exit code 1): Port 1 is in use: choose another.')
    expect(child.pid()).toBeUndefined()
  })

  test('one that ignores SIGTERM is killed', async () => {
    const child = await supervise(
      serving.replace("process.on('SIGTERM', () => process.exit(0))", "process.on('SIGTERM', () => 0)"),
    )
    await child.start()
    const pid = child.pid() ?? 0
    await child.stop()
    expect(isAlive(pid)).toBe(false)
  }, 15_000)

  test('one that crashes again and again is given longer and longer pauses', async () => {
    const child = await supervise(`${serving}; setTimeout(() => process.exit(3), 20)`)
    await child.start()
    await until(() => events.filter(({ kind }) => kind === 'crashed').length >= 3, 10_000)
    await child.stop()
    const pauses = events.flatMap((event) => (event.kind === 'crashed' ? [event.againMs] : []))
    expect(pauses.slice(0, 3)).toEqual([250, 500, 1000])
  })
})

describe('both clouds', () => {
  const serve = async (run: Run) => {
    await until(() => run.output().includes('both clouds serve') || run.child.exitCode !== null, 90_000)
    expect(run.errors()).toBe('')
  }
  const processes = async (): Promise<number[]> => {
    const names = [
      'dynamodb',
      'aws-services',
      'aws-host',
      'aws-edge',
      'azurite',
      'azure-services',
      'azure-host',
      'azure-edge',
    ]
    const logs = await Promise.all(
      names.map((name) => readFile(join(folder, 'logs', `${name}.log`), 'utf8').catch(() => '')),
    )
    return logs.map((text) => Number(text.match(/started, process (\d+)\n(?![\s\S]*started, process)/)?.[1] ?? 0))
  }

  test('start, crash, a killed supervisor, a start after it, and a stop by signal', async () => {
    const args = ['--no-tour', '--data', folder, '--port-base', String(portBase)]
    const first = start(args)
    await serve(first)
    const before = await processes()
    expect(before.every(isAlive)).toBe(true)
    process.kill(before[6] ?? 0, 'SIGKILL')
    await until(async () => (await processes())[6] !== before[6], 10_000)
    await until(
      async () =>
        (await fetch(`http://127.0.0.1:${portBase + 20}/v1/health/live`).catch(() => undefined)) !== undefined,
      20_000,
    )
    expect(first.output()).toContain('azure-host … ended by itself (SIGKILL)')
    const orphans = await processes()
    first.child.kill('SIGKILL')
    await first.ended
    const second = start(args)
    await serve(second)
    expect(orphans.some(isAlive)).toBe(false)
    await until(() => second.output().includes('Ctrl-C stops everything.'), 40_000)
    const [, key = '', url = ''] = /^try {4}curl -H 'Authorization: Bearer (\S+)' '(\S+)'$/m.exec(second.output()) ?? []
    expect(second.output()).toContain(`\nkey    ${key}\n`)
    expect((await fetch(url, { headers: { authorization: `Bearer ${key}` } })).status).toBe(200)
    const after = await processes()
    second.child.kill('SIGINT')
    second.child.kill('SIGINT')
    expect(await second.ended).toBe(0)
    expect(after.some(isAlive)).toBe(false)
    expect(await readFile(join(folder, 'lock')).catch(() => 'free')).toBe('free')
  }, 240_000)

  test('a signal during the tour ends it without a word of failure', async () => {
    const run = start(['--data', folder, '--port-base', String(portBase)])
    await until(() => /is in at aws/.test(run.output()) || run.child.exitCode !== null, 120_000)
    const pids = await processes()
    run.child.kill('SIGINT')
    expect(await run.ended).toBe(130)
    expect(run.output()).toMatch(/\nstopping …\n[^]*\nstopped\n$/)
    expect(run.output()).not.toContain('the tour failed')
    expect(run.errors()).toBe('')
    expect(pids.some(isAlive)).toBe(false)
  }, 180_000)

  test('a signal during the start stops what had started', async () => {
    const run = start(['--no-tour', '--data', folder, '--port-base', String(portBase)])
    await until(() => run.output().includes('aws-services … ready'), 60_000)
    const pids = (await processes()).filter((pid) => pid > 0)
    run.child.kill('SIGTERM')
    expect(await run.ended).toBe(130)
    expect(pids.length).toBeGreaterThan(3)
    expect(pids.some(isAlive)).toBe(false)
  }, 120_000)
})
