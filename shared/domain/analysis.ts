import type { Failure, MediaBody } from './asset.ts'
import type { RecordKey } from './record.ts'
import type { Site } from './site.ts'

/** Each site has its own, like variants, so the two cannot conflict. */
export const analysisKey = (tenant: string, id: string, site: Site): RecordKey => ({
  tenant,
  collection: '_analysis',
  id: `${id}-${site}`,
})

export const analysisFeatures = ['labels', 'text', 'faces', 'moderation'] as const
export type AnalysisFeature = (typeof analysisFeatures)[number]

/** What a label is about. Each service has its own list, or none; these are ours, the same whoever looked. */
export const labelCategories = [
  'person',
  'animal',
  'plant',
  'food',
  'clothing',
  'vehicle',
  'building',
  'nature',
  'indoor',
  'sport',
  'technology',
  'text',
  'art',
  'symbol',
  'weapon',
  'medical',
  'object',
  'other',
] as const
export type LabelCategory = (typeof labelCategories)[number]

export const moderationCategories = [
  'explicit',
  'suggestive',
  'violence',
  'disturbing',
  'drugs',
  'alcohol',
  'rude',
  'gambling',
  'hate',
  'other',
] as const
export type ModerationCategory = (typeof moderationCategories)[number]

/** Fractions of the picture as it is shown, upright; `x` and `y` of the corner at the top left. */
export type Box = { x: number; y: number; width: number; height: number }

/** `label` is the service's own word for it, beside ours. Confidence is 0 to 1. */
export type FoundLabel = { name: string; category: LabelCategory; confidence: number; boxes: Box[]; label: string }
/** A line. */
export type FoundText = { text: string; confidence: number; box: Box }
/** Where a face is, never whose. Some services tell no confidence. */
export type FoundFace = { box: Box; confidence?: number }
export type FoundModeration = { category: ModerationCategory; confidence: number; label: string }

/** What is absent was not asked for; what is empty was, and nothing was found. */
export type Findings = {
  labels?: FoundLabel[]
  text?: FoundText[]
  faces?: FoundFace[]
  moderation?: FoundModeration[]
}

/** What one site's service found in an asset. */
export type AnalysisBody = {
  asset: string
  site: Site
  /** For instance `rekognition`. */
  service: string
  /** The SHA-256 of the original that it is about. */
  source: string
  attempts: number
} & (
  | { state: 'done'; models: { [feature: string]: string }; findings: Findings }
  /** `waiting`: it will be tried again. */
  | { state: 'waiting' | 'failed'; error: Failure }
)

/** Whether there is a picture to look at: of an image, or the poster of a film. */
export const isPicture = ({ kind, properties, renditions }: MediaBody): boolean =>
  (kind === 'image' && properties['thumbhash'] !== undefined) ||
  (kind === 'video' && renditions.some(({ name }) => name === 'poster'))

/** Services are asked for nothing less sure, and nothing less sure is kept. */
export const confidenceMin = 0.5
const labelsMax = 30
const boxesMax = 5
const linesMax = 30
const lineCharactersMax = 120
const facesMax = 20
const moderationsMax = 20

/** The surest first, within bounds that keep a record small, in digits that mean something. */
export function boundedFindings({ labels, text, faces, moderation }: Findings): Findings {
  return {
    ...(labels && {
      labels: surest(labels, labelsMax).map((found) => ({
        ...found,
        boxes: found.boxes.slice(0, boxesMax).map(inside),
      })),
    }),
    ...(text && {
      // In the order in which it is read.
      text: text
        .filter(({ confidence }) => confidence >= confidenceMin)
        .slice(0, linesMax)
        .map((line) => ({
          text: line.text.slice(0, lineCharactersMax),
          confidence: rounded(line.confidence),
          box: inside(line.box),
        })),
    }),
    ...(faces && {
      faces: faces.slice(0, facesMax).map(({ box, confidence }) => ({
        box: inside(box),
        ...(confidence === undefined ? {} : { confidence: rounded(confidence) }),
      })),
    }),
    ...(moderation && { moderation: surest(moderation, moderationsMax) }),
  }
}

function surest<Found extends { confidence: number; label: string }>(found: readonly Found[], max: number): Found[] {
  return found
    .filter(({ confidence }) => confidence >= confidenceMin)
    .sort((a, b) => b.confidence - a.confidence || (a.label < b.label ? -1 : 1))
    .slice(0, max)
    .map((each) => ({ ...each, confidence: rounded(each.confidence) }))
}

const digits = 10_000
const rounded = (value: number): number => Math.round(Math.min(1, Math.max(0, value)) * digits) / digits

/** Services tell of what reaches beyond the picture's edge. */
function inside({ x, y, width, height }: Box): Box {
  const [left, top] = [rounded(x), rounded(y)]
  return { x: left, y: top, width: rounded(rounded(x + width) - left), height: rounded(rounded(y + height) - top) }
}
