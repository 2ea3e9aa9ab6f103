import { lineTelemetry, type TelemetryOptions } from '../../shared/adapters/telemetry.ts'
import type { Telemetry } from '../../shared/ports/telemetry.ts'

const namespace = 'Catamaran'

interface CloudWatchOptions extends Omit<TelemetryOptions, 'provider'> {
  /** Of the function: what the canary tells a new one's answers by. No dimension of the metrics, which outlive it. */
  readonly version: string
}

/** Logs as JSON lines; metrics in CloudWatch's embedded metric format, which the log group turns into metrics. */
export const cloudWatchTelemetry = (options: CloudWatchOptions): Telemetry =>
  lineTelemetry({ ...options, provider: 'aws' }, ({ name, value, unit, dimensions }) => {
    // One account may hold several stages, and they share the namespace.
    const all = { stage: options.stage, service: options.service, ...dimensions }
    const Metrics = [{ Name: name, Unit: unit }]
    const CloudWatchMetrics = [{ Namespace: namespace, Dimensions: [Object.keys(all)], Metrics }]
    return {
      _aws: { Timestamp: options.clock.now(), CloudWatchMetrics },
      ...all,
      version: options.version,
      [name]: value,
    }
  })
