import type { JsonObject } from '../domain/json.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Structured logs and metrics. Never throws. */
export interface Telemetry {
  log(level: LogLevel, message: string, fields?: JsonObject & { error?: never }, error?: unknown): void
  /** Dimensionless unless the name ends in a unit (`...Ms`, `...Bytes`). */
  metric(name: string, value: number, dimensions?: Readonly<Record<string, string>>): void
}
