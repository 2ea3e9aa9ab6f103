import { analysisError, callAnalysis, type RefusalReader } from '../../shared/adapters/analysis-call.ts'
import type { AnalysisFeature, Findings } from '../../shared/domain/analysis.ts'
import type { ErrorCode } from '../../shared/domain/errors.ts'
import type { Analysis, AnalysisPicture, AnalysisResult } from '../../shared/ports/analysis.ts'
import { foundFaces, foundLabels, foundModeration, foundText } from './analysis-findings.ts'
import type { Identity } from './identity.ts'

export interface VisionOptions {
  /** The site's managed identity. */
  readonly identity: Identity
  readonly features: readonly AnalysisFeature[]
  /** The resource's own: tokens are taken at no region's shared one. */
  readonly endpoint: string
}

const scope = 'https://cognitiveservices.azure.com/.default'

interface Call {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** What is asked for by this call, under the name that the service has for it. */
  readonly names: Partial<Record<AnalysisFeature, string>>
  readonly parameter: string
  readonly read: (answer: object, wanted: readonly AnalysisFeature[]) => Findings
}

/** Version 4.0 tells neither faces nor what only adults should see; 3.2 does, and reads no text in the same call. */
const calls: readonly Call[] = [
  {
    path: '/computervision/imageanalysis:analyze',
    query: { 'api-version': '2024-02-01' },
    names: { labels: 'tags,objects', text: 'read' },
    parameter: 'features',
    read: (answer, wanted) => ({
      ...(wanted.includes('labels') && { labels: foundLabels(answer) }),
      ...(wanted.includes('text') && { text: foundText(answer) }),
    }),
  },
  {
    path: '/vision/v3.2/analyze',
    query: {},
    names: { faces: 'Faces', moderation: 'Adult' },
    parameter: 'visualFeatures',
    read: (answer, wanted) => ({
      ...(wanted.includes('faces') && { faces: foundFaces(answer) }),
      ...(wanted.includes('moderation') && { moderation: foundModeration(answer) }),
    }),
  },
]

/** Azure AI Vision's Image Analysis, over its REST API with the identity's token. */
export const visionAnalysis = ({ identity, features, endpoint }: VisionOptions): Analysis => ({
  service: 'azure-ai-vision',
  features,
  takes: { bytesMax: 4_000_000, sidePixelsMin: 50, sidePixelsMax: 10_000 },
  analyse: async (picture, signal) => {
    const token = await tokenOf(identity)
    const result: { findings: Findings; models: Record<string, string> } = { findings: {}, models: {} }
    for (const { path, query, names, parameter, read } of calls) {
      const wanted = features.filter((feature) => names[feature] !== undefined)
      if (wanted.length === 0) continue
      const url = new URL(path, endpoint)
      const asked = wanted.map((feature) => names[feature]).join(',')
      url.search = new URLSearchParams({ ...query, [parameter]: asked }).toString()
      const answer = await ask(url, token, picture, signal)
      Object.assign(result.findings, read(answer, wanted))
      const { modelVersion } = answer as { modelVersion?: unknown }
      if (typeof modelVersion === 'string') for (const feature of wanted) result.models[feature] = modelVersion
    }
    return result satisfies AnalysisResult
  },
})

async function tokenOf(identity: VisionOptions['identity']): Promise<string> {
  const { token } = await identity.getToken(scope).catch((cause: unknown) => {
    throw analysisError('unavailable', 'Entra ID gives no token for AI Vision now.', cause)
  })
  return token
}

async function ask(url: URL, token: string, { bytes }: AnalysisPicture, signal: AbortSignal): Promise<object> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' }
  const body = new Blob([new Uint8Array(bytes)])
  return callAnalysis('AI Vision', url, { headers, body }, { signal, refusalOf })
}

/** By the code inside the error, as the API reference lists them; whatever is not listed goes by its status. */
const codeByName: Readonly<Record<string, ErrorCode>> = {
  InvalidImageSize: 'too-large',
  InvalidImageFormat: 'invalid-media',
  InvalidImageUrl: 'invalid-media',
  NotSupportedImage: 'invalid-media',
  NotSupportedVisualFeature: 'internal',
  FailedToProcess: 'unavailable',
  Timeout: 'timed-out',
  UnsupportedMediaType: 'invalid-media',
  InternalServerError: 'unavailable',
}

/** The inner code is the telling one: the outer one is mostly InvalidRequest. */
const refusalOf: RefusalReader = (text) =>
  [...text.matchAll(/"code"\s*:\s*"(\w+)"/g)]
    .map(([, name = '']) => codeByName[name])
    .filter((code) => code !== undefined)
    .at(-1)
