import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { startProcess, type Ending } from '../../shared/process/bounded-process.ts'
import type { ProcessLimits } from '../../shared/process/limits.ts'

const ample: ProcessLimits = {
  wallMsMax: 20_000,
  cpuMsMax: 20_000,
  memoryBytesMax: 512 * 1024 ** 2,
  fileBytesMax: 1024 ** 2,
  openFilesMax: 64,
  outputBytesMax: 1024,
}
const never = new AbortController().signal

function shell(script: string, limits: Partial<ProcessLimits> = {}): Promise<Ending> {
  return startProcess(['/bin/sh', '-c', script], { limits: { ...ample, ...limits }, signal: never }).ended
}

const endless = 'while :; do :; done'

test.each<[keyof ProcessLimits, string, Partial<ProcessLimits>, Ending]>([
  ['wallMsMax', 'sleep 20', { wallMsMax: 200 }, { kind: 'over', limit: 'wall' }],
  ['cpuMsMax', endless, { cpuMsMax: 200 }, { kind: 'over', limit: 'cpu' }],
  ['outputBytesMax', 'yes', {}, { kind: 'over', limit: 'output' }],
  ['openFilesMax', 'ulimit -n >&2', {}, { kind: 'exit', code: 0, messages: '64\n' }],
  ['addressBytesMax', 'ulimit -v >&2', { addressBytesMax: 2 ** 30 }, { kind: 'exit', code: 0, messages: '1048576\n' }],
])('a process has its %s', async (_, script, limits, ending) => {
  expect(await shell(script, limits)).toEqual(ending)
})

test('a process has its memoryBytesMax, and not only for what its heap holds', async () => {
  const fill = 'const all = []; setInterval(() => all.push(Buffer.alloc(2 ** 24, 1)), 1)'
  const taking = startProcess([process.execPath, '-e', fill], { limits: ample, signal: never })
  expect(await taking.ended).toEqual({ kind: 'over', limit: 'memory' })
})

test('a process has its fileBytesMax', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-process-'))
  try {
    await shell(`yes > ${folder}/large`)
    expect((await stat(join(folder, 'large'))).size).toBe(ample.fileBytesMax)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('a process that nobody watches any more still has an end to its processor time', async () => {
  expect(await shell('ulimit -t >&2', { cpuMsMax: 1_500 })).toEqual({ kind: 'exit', code: 0, messages: '4\n' })
})

test('of many messages the last are kept, each of them whole', async () => {
  const { messages } = (await shell('seq 100000 >&2')) as { messages: string }
  const kept = messages.trimEnd().split('\n').map(Number)
  expect(kept).toEqual(kept.map((_, at) => 100_001 - kept.length + at))
  expect(messages.length).toBeGreaterThan(16_000)
})

test('a process sees no environment', async () => {
  const names = 'process.stderr.write(Object.keys(process.env).sort().join())'
  const asking = startProcess([process.execPath, '-e', names], { limits: ample, signal: never })
  // What the shell itself sets on its way.
  expect((await asking.ended) as unknown).toMatchObject({
    messages: expect.stringMatching(/^(OLDPWD,)?(PWD)?(,SHLVL)?(,_)?$/),
  })
})

test('an abort kills the process and all that it started', async () => {
  const abort = new AbortController()
  const reason = new Error('the lease was lost')
  const running = startProcess(['/bin/sh', '-c', `echo begun; sleep 21.5 & ${endless}`], {
    limits: ample,
    signal: abort.signal,
    onOutput: () => abort.abort(reason),
  })
  await expect(running.ended).rejects.toBe(reason)
  expect(await commandsWith('21.5')).toEqual([])
})

test('what the reader of its output throws ends the process', async () => {
  const fault = new Error('enough')
  const running = startProcess(['/bin/sh', '-c', `echo begun; ${endless}`], {
    limits: ample,
    signal: never,
    onOutput: () => {
      throw fault
    },
  })
  await expect(running.ended).rejects.toBe(fault)
})

test('a program that is not there is no fault of what it should read', async () => {
  const missing = startProcess(['/nowhere/at-all'], { limits: ample, signal: never })
  await expect(missing.ended).rejects.toMatchObject({ code: 'unavailable' })
})

async function commandsWith(word: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')))
  return commands.filter((command) => command.startsWith('sleep') && command.includes(word))
}
