import { expect, test } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

interface Tried {
  readonly during: Record<string, string>
  readonly after: Record<string, string>
  readonly isStillMade: readonly unknown[]
}

const probe = fileURLToPath(new URL('poison-probe.ts', import.meta.url))
const told = execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', probe], { encoding: 'utf8' })
const { during, after, isStillMade } = JSON.parse(told) as Tried

test.each([
  'Date.now',
  'new Date()',
  'Date()',
  'Reflect.construct(Date)',
  'performance.now',
  'process.hrtime',
  'process.hrtime.bigint',
  'node:process hrtime',
  'node:process uptime',
  'Math.random',
  'crypto.randomUUID',
  'crypto.getRandomValues',
  'node:crypto randomUUID',
  'node:crypto randomBytes',
  'node:crypto randomInt',
  'node:crypto randomFill',
  'node:crypto randomFillSync',
  'node:crypto getRandomValues',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'node:timers setTimeout',
  'node:timers setInterval',
  'node:timers setImmediate',
  'node:timers/promises setTimeout',
  'node:timers/promises setInterval',
  'node:timers/promises setImmediate',
  'node:timers/promises scheduler.wait',
  'node:timers/promises scheduler.yield',
  'AbortSignal.timeout',
  'fetch',
  'node:net connect',
  'node:http get',
  'node:dgram send',
])('%s is out of reach while a run is on, and works after it', (way) => {
  expect(during[way]).toMatch('was used inside a simulated run')
  expect(after[way]).toBe('works')
})

test('a date is made of what is given', () => {
  expect(isStillMade).toEqual([true, '1970-01-01T00:00:00.005Z', 0, 0])
})
