import { replicationMetrics } from './replication-metrics.ts'
import { probeFeed } from './replication-lag.ts'
import { writeMark } from './replication-marks.ts'
import { replicationStatus } from './replication-status.ts'
import type { Services } from './services.ts'

/**
 * Tells the cloud's monitor, once a minute, every figure of the replication and every warning, and writes down what the
 * peer may ask for. Changes nothing else, but for the one change that probes a feed that is still.
 */
export async function watch(services: Services): Promise<void> {
  await probeFeed(services)
  const status = await replicationStatus(services)
  const { lag, lastOffer, feed } = status.outgoing
  await writeMark(services, 'watched', {
    lag: { ...lag },
    lastOffer: lastOffer && { ...lastOffer },
    feedAgeMs: feed.ageMs,
  })
  for (const [name, value] of replicationMetrics(status)) services.telemetry.metric(name, value)
  for (const { code, detail } of status.warnings) services.telemetry.log('warn', detail, { warning: code })
}
