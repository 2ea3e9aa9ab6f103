import type { AnalysisFeature, Findings } from '../../shared/domain/analysis.ts'
import type { Analysis, AnalysisPicture } from '../../shared/ports/analysis.ts'

export interface MemoryAnalysis extends Analysis {
  /** What it was shown. */
  readonly seen: AnalysisPicture[]
  /** Thrown by the next calls, one each. */
  readonly faults: Error[]
}

/** Finds the same in every picture. */
export function memoryAnalysis({
  features,
  findings,
  takes = { bytesMax: 1_000_000, sidePixelsMin: 1, sidePixelsMax: 10_000 },
}: {
  readonly features: readonly AnalysisFeature[]
  readonly findings: Findings
  readonly takes?: Analysis['takes']
}): MemoryAnalysis {
  const seen: AnalysisPicture[] = []
  const faults: Error[] = []
  return {
    service: 'memory',
    features,
    takes,
    seen,
    faults,
    analyse: async (picture, signal) => {
      signal.throwIfAborted()
      const fault = faults.shift()
      if (fault) throw fault
      seen.push(picture)
      const wanted = Object.entries(findings).filter(([name]) => features.includes(name as AnalysisFeature))
      return { findings: Object.fromEntries(wanted), models: Object.fromEntries(features.map((name) => [name, '1'])) }
    },
  }
}
