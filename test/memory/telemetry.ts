import type { JsonObject } from '../../shared/domain/json.ts'
import type { LogLevel, Telemetry } from '../../shared/ports/telemetry.ts'

export interface MemoryTelemetry extends Telemetry {
  readonly logs: { level: LogLevel; message: string; fields?: JsonObject; error?: unknown }[]
  readonly metrics: { name: string; value: number; dimensions: Readonly<Record<string, string>> }[]
}

/** Keeps what it is told, for a test to look at. */
export function memoryTelemetry(): MemoryTelemetry {
  const logs: MemoryTelemetry['logs'] = []
  const metrics: MemoryTelemetry['metrics'] = []
  return {
    logs,
    metrics,
    log: (level, message, fields, error) => {
      logs.push({ level, message, ...(fields ? { fields } : {}), ...(error === undefined ? {} : { error }) })
    },
    metric: (name, value, dimensions = {}) => {
      metrics.push({ name, value, dimensions })
    },
  }
}
