import { analysisKey, boundedFindings, isPicture, type AnalysisBody } from '../domain/analysis.ts'
import type { Failure, MediaBody } from '../domain/asset.ts'
import { isCatamaranError, publicMessageOf } from '../domain/errors.ts'
import { jsonEqual } from '../domain/json.ts'
import type { Analysis } from '../ports/analysis.ts'
import { backoffMs } from '../replication/backoff.ts'
import { analysesOfBytes, sendAnalysis, type AnalysisRef } from './analysis-order.ts'
import { analysisPicture } from './analysis-picture.ts'
import { fileJob } from './job-store.ts'
import { readMedia } from './media-store.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'
import type { WorkTools } from './work-tools.ts'

const attemptsMax = 6
const retryMs = { baseMs: 15_000, capMs: 900_000 }
/** Asking again would get the same answer. */
const lasting = ['invalid-media', 'unsupported-media-type', 'too-large']

/**
 * Has this site's service look at an asset, and writes down what it found, or why it did not. Does nothing where there is no
 * service, for what is no picture, and when either site has looked at these very bytes already. The asset itself is never touched.
 */
export async function analyse(
  services: Services,
  work: WorkTools,
  { tenant, asset, reopen }: AnalysisRef & { readonly reopen: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { analysis } = work
  const media = await readMedia(services, tenant, asset)
  if (!analysis || !media?.sha256 || media.status !== 'ready' || !isPicture(media)) return
  const [own, theirs] = (await analysesOfBytes(services, { tenant, asset }, media.sha256)).map(
    (record) => record?.body as AnalysisBody | undefined,
  )
  if (own?.state === 'done' || theirs?.state === 'done' || (own?.state === 'failed' && !reopen)) return
  const attempts = (own?.state === 'waiting' ? own.attempts : 0) + 1
  const about = { asset, site: services.site, service: analysis.service, source: media.sha256, attempts }
  const outcome = await lookAt(services, work, { analysis, media, attempts, signal })
  // Other bytes may have come meanwhile, and what was found in them must stay.
  if ((await readMedia(services, tenant, asset))?.sha256 !== media.sha256) return
  const body: AnalysisBody = { ...about, ...outcome.result }
  await writeRecord(
    services,
    analysisKey(tenant, asset, services.site),
    { precondition: { kind: 'none' } },
    (present) => (present && jsonEqual(present, body) ? present : body),
  )
  const { result, isLasting } = outcome
  if (result.state === 'waiting') {
    await sendAnalysis(services, { tenant, asset }, backoffMs(attempts, services.random.fraction(), retryMs))
  } else if (result.state === 'failed' && !isLasting) {
    await fileJob(services, 'analyse', { tenant, asset, reopen: true }, result.error.detail)
  }
}

type Outcome = AnalysisBody extends infer Each ? (Each extends object ? Omit<Each, keyof About> : never) : never
type About = Pick<AnalysisBody, 'asset' | 'site' | 'service' | 'source' | 'attempts'>

async function lookAt(
  services: Services,
  work: WorkTools,
  from: {
    readonly analysis: Analysis
    readonly media: MediaBody
    readonly attempts: number
    readonly signal: AbortSignal
  },
): Promise<{ readonly result: Outcome; readonly isLasting: boolean }> {
  const { analysis, media, attempts, signal } = from
  try {
    const picture = await analysisPicture(services, work, { media, takes: analysis.takes, signal })
    const { findings, models } = await analysis.analyse(picture, signal)
    return { result: { state: 'done', models: { ...models }, findings: boundedFindings(findings) }, isLasting: false }
  } catch (error) {
    signal.throwIfAborted()
    const code = isCatamaranError(error) ? error.code : 'internal'
    const isLasting = lasting.includes(code)
    const state = isLasting || attempts >= attemptsMax ? 'failed' : 'waiting'
    services.telemetry.log('warn', 'A picture could not be analysed', { asset: media.version, attempts, state }, error)
    const failure: Failure = { code, detail: publicMessageOf(error) }
    return { result: { state, error: failure }, isLasting }
  }
}
