import { lineTelemetry, type TelemetryOptions } from '../../shared/adapters/telemetry.ts'
import type { Telemetry } from '../../shared/ports/telemetry.ts'

/** Logs as JSON lines; a metric is a line of the kind `metric`, from which Azure Monitor's log queries make metrics. */
export const monitorTelemetry = (options: Omit<TelemetryOptions, 'provider'>): Telemetry =>
  lineTelemetry({ ...options, provider: 'azure' }, ({ name, value, unit, dimensions }) => ({
    '@timestamp': new Date(options.clock.now()).toISOString(),
    'event.kind': 'metric',
    'service.name': options.service,
    'cloud.provider': 'azure',
    'metric.name': name,
    'metric.value': value,
    'metric.unit': unit,
    dimensions: { ...dimensions },
  }))
