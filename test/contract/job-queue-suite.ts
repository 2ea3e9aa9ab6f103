import { describe, expect, test } from '@jest/globals'
import { jobMessageBytesMax } from '../../shared/domain/limits.ts'
import type { JobMessage, JobQueue, WatchedQueue } from '../../shared/ports/job-queue.ts'

export interface QueueContext {
  readonly queue: JobQueue
  /** What a consumer of the queue is given, acknowledged; undefined when there is nothing now. */
  readonly receive: () => Promise<JobMessage | undefined>
  readonly passTime: (ms: number) => Promise<void>
  /** A queue of other messages, empty to begin with. */
  readonly events: {
    readonly queue: WatchedQueue
    /** Puts any message there. */
    readonly tell: () => Promise<unknown>
    /** Puts any message into its dead letters. */
    readonly bury: () => Promise<unknown>
  }
}

/** What every job queue promises. The queue is empty to begin with. */
export function jobQueueSuite(name: string, contextOf: () => QueueContext): void {
  const frame = JSON.stringify({ kind: 'k', payload: { a: '' } }).length

  describe(`${name}: jobs`, () => {
    test('a job arrives as it was sent, and the depth follows', async () => {
      const { queue, receive } = contextOf()
      expect(await queue.depth()).toEqual({ waiting: 0, deadLetters: 0 })
      const message = {
        kind: 'convert',
        payload: { text: 'ü\u{1f600}<>&"\u0001', n: [1e300, null] },
        traceparent: '00-aa-bb-01',
      }
      await queue.send(message)
      expect((await queue.depth()).waiting).toBe(1)
      expect(await receive()).toEqual(message)
      expect((await queue.depth()).waiting).toBe(0)
      expect(await receive()).toBeUndefined()
    })

    test('the largest job passes, one byte more is too large', async () => {
      const { queue, receive } = contextOf()
      const largest = { kind: 'k', payload: { a: 'x'.repeat(jobMessageBytesMax - frame) } }
      await queue.send(largest)
      expect(await receive()).toEqual(largest)
      const over = { kind: 'k', payload: { a: 'x'.repeat(jobMessageBytesMax - frame + 1) } }
      await expect(queue.send(over)).rejects.toMatchObject({ code: 'too-large' })
      expect(await receive()).toBeUndefined()
    })

    test('a delayed job waits unseen, and counts', async () => {
      const { queue, receive, passTime } = contextOf()
      await queue.send({ kind: 'later', payload: {} }, { delayMs: 1_900 })
      expect(await receive()).toBeUndefined()
      expect((await queue.depth()).waiting).toBe(1)
      await passTime(2_500)
      expect(await receive()).toEqual({ kind: 'later', payload: {} })
    })

    test('the depth of a queue of other messages is its own', async () => {
      const { events, queue } = contextOf()
      const before = await queue.depth()
      expect(await events.queue.depth()).toEqual({ waiting: 0, deadLetters: 0 })
      for (const put of [events.bury, events.tell, events.tell]) await put()
      expect(await events.queue.depth()).toEqual({ waiting: 2, deadLetters: 1 })
      expect(await queue.depth()).toEqual(before)
    })

    test('many at once all arrive', async () => {
      const { queue, receive } = contextOf()
      await Promise.all(Array.from({ length: 25 }, (_, n) => queue.send({ kind: 'many', payload: { n } })))
      const found: unknown[] = []
      for (let tries = 0; found.length < 25 && tries < 60; tries++) {
        const message = await receive()
        if (message) found.push(message.payload.n)
      }
      expect([...found].sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 25 }, (_, n) => n))
    })
  })
}
