import { describe, expect, test } from '@jest/globals'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { TelemetryOptions } from '../../shared/adapters/telemetry.ts'
import { replicationMetrics } from '../../shared/core/replication-metrics.ts'
import type { WarnedStatus } from '../../shared/core/replication-status.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import type { Telemetry } from '../../shared/ports/telemetry.ts'
import { memoryClock } from '../memory/clock.ts'

const counted = { count: 3, more: false, oldestMs: 1000 }
const lag = { windowMs: 900_000, count: 5, p50Ms: 100, p99Ms: 900 }
const anyStatus: WarnedStatus = {
  site: 'aws',
  peer: 'azure',
  atMs: 5000,
  outgoing: {
    paused: null,
    lag,
    lastOffer: null,
    feed: { ageMs: 10, handledMs: 4000, isSilent: false, untilMs: 4000 },
    undelivered: { ...counted, buckets: 2 },
    peerDown: null,
  },
  incoming: {
    paused: { atMs: 1, reason: 'drill', by: 'key' },
    peerReachable: true,
    peerPaused: [],
    lag,
    lastOffer: null,
    feedAgeMs: 10,
    clockAheadMs: -3,
    breaker: { frozen: false, scopes: 0, since: null },
    replicatedUntilMs: 1,
  },
  queue: { waiting: 1, deadLetters: 0 },
  dropEvents: { waiting: 2, deadLetters: 0 },
  dirty: { ...counted, buckets: 2 },
  deadLetters: counted,
  quarantined: { count: 1, more: false, aheadMs: 70_000, firstUntilMs: 1, lastUntilMs: 2 },
  missingObjects: { ...counted, bytes: 12 },
  lastReconcile: { atMs: 4000 },
  lastCleanMs: 3000,
  scrub: { nextBucket: 16, buckets: 16_384, endsMs: 9 },
  warnings: [],
}

export interface TelemetryContext {
  readonly telemetry: Telemetry
  /** One text an entry or metric, in order, that holds all it was told. */
  readonly kept: () => readonly string[]
}

/** What every telemetry promises. */
export function telemetryPortSuite(name: string, make: () => TelemetryContext): void {
  describe(`${name}: any telemetry`, () => {
    test('keeps the level, the words, the fields and the error of an entry', () => {
      const { telemetry, kept } = make()
      telemetry.log('warn', 'It failed', { tenant: 't1' }, new CatamaranError('throttled', 'slow down'))
      expect(kept()).toHaveLength(1)
      for (const part of ['warn', 'It failed', 't1', 'CatamaranError', 'throttled']) expect(kept()[0]).toContain(part)
    })

    test('keeps the name, the value and the dimensions of a metric', () => {
      const { telemetry, kept } = make()
      telemetry.metric('lagMs', 12.5, { peer: 'azure' })
      telemetry.metric('offers', 3)
      expect(kept()).toHaveLength(2)
      for (const part of ['lagMs', '12.5', 'peer', 'azure']) expect(kept()[0]).toContain(part)
    })

    test('never throws, whatever it is told', () => {
      const { telemetry } = make()
      const endless: { cause?: unknown; message: string } = { message: 'round' }
      endless.cause = endless
      const round: Record<string, unknown> = {}
      round['round'] = round
      const thrower = Object.defineProperty({}, 'message', {
        get: () => {
          throw new Error('not to be read')
        },
      })
      for (const odd of ['text', null, 42, endless, thrower]) telemetry.log('error', 'odd', {}, odd)
      telemetry.log('error', 'odd', round as JsonObject & { error?: never })
      telemetry.log('error', 'odd', { big: 1n } as unknown as JsonObject & { error?: never })
      for (const value of [Number.NaN, Infinity]) telemetry.metric('odd', value)
    })
  })
}

/** What every telemetry that writes lines promises of them. */
export function telemetrySuite(name: string, make: (options: Omit<TelemetryOptions, 'provider'>) => Telemetry): void {
  const capture = (level: TelemetryOptions['level'] = 'debug') => {
    const lines: string[] = []
    const write = (line: string): void => void lines.push(line)
    const telemetry = make({ service: 'http', stage: 'test', level, clock: memoryClock(0), write })
    return { telemetry, read: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>), lines }
  }
  telemetryPortSuite(name, () => {
    const { telemetry, lines } = capture()
    return { telemetry, kept: () => lines }
  })

  describe(`${name}: telemetry`, () => {
    test('a log entry is one line of named fields, its error and the causes included', () => {
      const { telemetry, read, lines } = capture()
      const cause = new TypeError('socket\nclosed')
      telemetry.log('error', 'It failed', { tenant: 't1' }, new CatamaranError('unavailable', 'no answer', { cause }))
      expect(read()).toMatchObject([
        {
          '@timestamp': '1970-01-01T00:00:00.000Z',
          'ecs.version': '8.17.0',
          'log.level': 'error',
          message: 'It failed',
          'service.name': 'http',
          tenant: 't1',
          'error.type': 'CatamaranError',
          'error.code': 'unavailable',
          'error.message': 'no answer',
          'error.causes': ['TypeError: socket\nclosed'],
        },
      ])
      expect(lines[0]).not.toContain('\n')
    })

    test('levels below the least are left out; odd errors and endless causes are kept', () => {
      const { telemetry, read } = capture('warn')
      telemetry.log('debug', 'no')
      telemetry.log('info', 'no')
      const endless: { cause?: unknown; message: string } = { message: 'round' }
      endless.cause = endless
      for (const odd of ['text', null, 42, endless]) telemetry.log('warn', 'odd', undefined, odd)
      expect(read()).toHaveLength(4)
    })

    test('every figure of the replication is a metric of its own, in the unit its name says', () => {
      const { telemetry, lines } = capture()
      for (const [name, value] of replicationMetrics(anyStatus)) telemetry.metric(name, value)
      const names = replicationMetrics(anyStatus).map(([name]) => name)
      expect(lines).toHaveLength(names.length)
      for (const [index, name] of names.entries()) {
        const unit = name.endsWith('Ms') ? 'Milliseconds' : name.endsWith('Bytes') ? 'Bytes' : 'Count'
        for (const part of [`"${name}"`, `"${unit}"`]) expect(lines[index]).toContain(part)
      }
    })

    test('a metric is one line that holds its name, value, unit and dimensions', () => {
      const { telemetry, lines } = capture()
      telemetry.metric('lagMs', 12.5, { peer: 'azure' })
      telemetry.metric('offers', 3)
      expect(lines).toHaveLength(2)
      for (const part of ['lagMs', '12.5', 'Milliseconds', 'peer', 'azure']) expect(lines[0]).toContain(part)
      expect(lines[1]).toContain('Count')
    })
  })
}
