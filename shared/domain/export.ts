import type { Failure } from './asset.ts'
import type { RecordKey } from './record.ts'
import type { Site } from './site.ts'

/** What a day of a tenant is exported as: every state its records took, or what became of its assets. */
export const exportKinds = ['records', 'events'] as const
export type ExportKind = (typeof exportKinds)[number]

export interface ExportRef {
  readonly kind: ExportKind
  /** A day in UTC, as 2026-11-22. */
  readonly date: string
}

export const exportId = ({ kind, date }: ExportRef): string => `${kind}-${date}`
export const exportKey = (tenant: string, ref: ExportRef): RecordKey => ({
  tenant,
  collection: '_exports',
  id: exportId(ref),
})
/** The asset that an export becomes; its folder in the store is named by it. */
export const exportAssetId = (ref: ExportRef): string => `export-${exportId(ref)}`

export type ExportBody = {
  kind: ExportKind
  date: string
  /** Who makes it, or made it. */
  site: Site
  state: 'waiting' | 'done' | 'failed'
  attempts: number
  asset: string
  rows?: number
  bytes?: number
  sha256?: string
  /** Whether all that the other site wrote that day had come here; false when it was away for so long that nobody waited. */
  complete?: boolean
  error?: Failure
}

export const dayMs = 24 * 3_600_000

/** The moment at which a day begins; undefined for what is no day. */
export function dayBeginMs(date: string): number | undefined {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00.000Z`) : Number.NaN
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== date ? undefined : ms
}

/** Reads an id back; undefined when it is none. */
export function parseExportId(id: string): ExportRef | undefined {
  const kind = exportKinds.find((each) => id.startsWith(`${each}-`))
  const date = kind && id.slice(kind.length + 1)
  return kind && date !== undefined && dayBeginMs(date) !== undefined ? { kind, date } : undefined
}

export const exportColumns = {
  records: {
    collection: 'string',
    id: 'string',
    stamp: 'string',
    written_at: 'datetime',
    created_at: 'datetime',
    site: 'string',
    deleted: 'boolean',
    body: 'string',
  },
  events: {
    asset: 'string',
    event: 'string',
    stamp: 'string',
    at: 'datetime',
    site: 'string',
    name: 'string',
    media_type: 'string',
    kind: 'string',
    bytes: 'integer',
    sha256: 'string',
    error: 'string',
    labels: 'string',
  },
} as const
