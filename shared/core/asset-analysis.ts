import { analysisKey, isPicture, type AnalysisBody, type Findings } from '../domain/analysis.ts'
import type { Failure, MediaBody } from '../domain/asset.ts'
import type { StoredRecord } from '../domain/record.ts'
import { sites, type Site } from '../domain/site.ts'
import { chunksOf } from './chunks.ts'
import { readRecords } from './record-reads.ts'
import type { Services } from './services.ts'

/** What a service found in an asset's picture, as readers see it. */
export interface AnalysisView extends Findings {
  readonly state: AnalysisBody['state']
  readonly service: string
  readonly site: Site
  readonly models?: Readonly<Record<string, string>>
  readonly error?: Failure
}

const readAtOnce = 100

/** The analyses of assets by their media records, in order: of each the one that is shown, if any. */
export async function analysesOf(
  services: Services,
  media: readonly (StoredRecord | undefined)[],
): Promise<(StoredRecord | undefined)[]> {
  const keys = media.flatMap((record) =>
    record && wantsAnalysis(record) ? sites.map((site) => analysisKey(record.key.tenant, record.key.id, site)) : [],
  )
  const pages = await Promise.all([...chunksOf(keys, readAtOnce)].map((page) => readRecords(services, page)))
  const found = pages.flat()
  let taken = 0
  return media.map((record) => {
    if (!record || !wantsAnalysis(record)) return undefined
    const ofBoth = found.slice(taken, (taken += sites.length))
    return shownOf(record.body as MediaBody, ofBoth)
  })
}

function wantsAnalysis({ body }: StoredRecord): boolean {
  const media = body as MediaBody | null
  return media?.status === 'ready' && isPicture(media)
}

/** Of these very bytes: what succeeded before what did not, and of two such the one of the site that processed them. */
function shownOf(media: MediaBody, records: readonly (StoredRecord | undefined)[]): StoredRecord | undefined {
  const rank = (record: StoredRecord): number => {
    const { state, site } = record.body as AnalysisBody
    return (state === 'done' ? 2 : 0) + (site === media.site ? 1 : 0)
  }
  return records
    .filter((record) => record !== undefined)
    .filter(({ body }) => (body as AnalysisBody | null)?.source === media.sha256)
    .sort((a, b) => rank(b) - rank(a))[0]
}

export function analysisViewOf(record: StoredRecord): AnalysisView {
  const { state, service, site, ...rest } = record.body as AnalysisBody
  const told = { state, service, site }
  if ('error' in rest) return { ...told, error: rest.error }
  return { ...told, models: rest.models, ...rest.findings }
}
