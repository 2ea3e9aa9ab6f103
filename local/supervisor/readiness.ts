import type { ChildProcess } from 'node:child_process'
import { StartError } from '../aws/process.ts'
import { signalGroup } from './process-table.ts'

export const readyMsMax = 90_000
const lastWordsMax = 4096

/** Reads the process's output for as long as it lives; settles at its ready line, its end, or the time limit. */
export function untilReady(name: string, child: ChildProcess, write: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let ready = false
    let line = ''
    let lastWords = ''
    const timer = setTimeout(() => {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
      reject(new StartError(`${name} did not serve within ${readyMsMax / 1000} s.`))
    }, readyMsMax)
    child.stdout?.on('data', (chunk: Buffer) => {
      write(chunk)
      if (ready) return
      const lines = `${line}${chunk}`.split('\n')
      line = (lines.pop() ?? '').slice(-lastWordsMax)
      ready = lines.some(saysReady)
      if (!ready) return
      clearTimeout(timer)
      resolve()
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      write(chunk)
      if (!ready) lastWords = `${lastWords}${chunk}`.slice(-lastWordsMax)
    })
    // 'close' comes after the last output, 'exit' may come before.
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      reject(new StartError(`${name} ended (${signal ?? `exit code ${code}`})${reasonIn(lastWords)}`))
    })
    child.once('error', (error) => {
      clearTimeout(timer)
      reject(new StartError(`${name} cannot start: ${error.message}`))
    })
  })
}

const saysReady = (line: string): boolean => {
  if (!line.startsWith('{')) return false
  try {
    return (JSON.parse(line) as { ready?: unknown }).ready === true
  } catch {
    return false
  }
}

/** The line that a person should see: the error itself rather than the stack around it. */
const reasonIn = (words: string): string => {
  const lines = words.split('\n').map((line) => line.trim())
  const told = lines.find((line) => /^(?:\w*Error|Error)\b.*:/.test(line)) ?? lines.findLast((line) => line !== '')
  return told === undefined ? '.' : `: ${told}`
}
