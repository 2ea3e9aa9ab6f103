import type { AnalysisFeature, Findings } from '../domain/analysis.ts'

/** An upright picture without metadata: what is told of its places is told of the picture as it is shown. */
export interface AnalysisPicture {
  readonly bytes: Uint8Array
  readonly mediaType: 'image/jpeg' | 'image/png'
  readonly width: number
  readonly height: number
}

export interface AnalysisResult {
  readonly findings: Findings
  /** The version of the model that was asked, by feature or by what the service calls it. */
  readonly models: Readonly<Record<string, string>>
}

/**
 * A cloud's service that looks at pictures. Throws `throttled`, `unavailable`, `timed-out`, `too-large`, `invalid-media` for what
 * it cannot read, and `internal` when it refuses the site itself.
 */
export interface Analysis {
  readonly service: string
  /** What it is asked for; at least one. */
  readonly features: readonly AnalysisFeature[]
  /** Pictures that it takes. */
  readonly takes: { readonly bytesMax: number; readonly sidePixelsMin: number; readonly sidePixelsMax: number }
  analyse(picture: AnalysisPicture, signal: AbortSignal): Promise<AnalysisResult>
}
