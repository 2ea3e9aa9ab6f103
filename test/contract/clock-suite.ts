import { describe, expect, test } from '@jest/globals'
import type { Clock } from '../../shared/ports/clock.ts'

export interface ClockContext {
  readonly clock: Clock
  /** Lets so much of this clock's time pass, or somewhat more. */
  readonly passTime: (ms: number) => Promise<void>
}

/** Timers of Node may fire up to a millisecond before their time by another clock. */
const earlyMs = 2

/** What every clock promises. */
export function clockSuite(name: string, make: () => ClockContext): void {
  describe(`${name}: clock`, () => {
    test('tells milliseconds since 1970, and time that passes by both of its hands', async () => {
      const { clock, passTime } = make()
      const [wallMs, monotonicMs] = [clock.now(), clock.monotonicMs()]
      expect(Math.abs(wallMs - Date.now())).toBeLessThan(60_000)
      await passTime(20)
      expect(clock.now() - wallMs).toBeGreaterThanOrEqual(20 - earlyMs)
      expect(clock.monotonicMs() - monotonicMs).toBeGreaterThanOrEqual(20 - earlyMs)
    })

    test('the monotonic hand never goes back', () => {
      const { clock } = make()
      const seen = Array.from({ length: 1000 }, () => clock.monotonicMs())
      expect(seen).toEqual([...seen].sort((a, b) => a - b))
    })

    test('who sleeps wakes after the time and not before, the shorter sleep first', async () => {
      const { clock, passTime } = make()
      const startMs = clock.monotonicMs()
      const woken: string[] = []
      const sleep = async (ms: number): Promise<void> => {
        await clock.sleep(ms)
        woken.push(`${ms} ${clock.monotonicMs() - startMs >= ms - earlyMs}`)
      }
      const asleep = [sleep(60), sleep(20)]
      expect(woken).toEqual([])
      await passTime(100)
      await Promise.all(asleep)
      expect(woken).toEqual(['20 true', '60 true'])
    })

    test('an abort wakes with its own reason, before and in the middle; after the end it does nothing', async () => {
      const { clock, passTime } = make()
      const reason = new Error('enough')
      await expect(clock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason)
      const middle = new AbortController()
      const asleep = clock.sleep(60_000, middle.signal)
      middle.abort(reason)
      await expect(asleep).rejects.toBe(reason)
      const late = new AbortController()
      const short = clock.sleep(1, late.signal)
      await passTime(5)
      await short
      late.abort(reason)
    })
  })
}
