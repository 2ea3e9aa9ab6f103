import {
  type Box,
  confidenceMin,
  type FoundFace,
  type FoundLabel,
  type FoundModeration,
  type FoundText,
} from '../../shared/domain/analysis.ts'
import { categoryOf, labelName } from '../../shared/domain/label-category.ts'

/** Answers of Image Analysis as far as they are read; every member may be absent. */
interface Tag {
  readonly name?: string
  readonly confidence?: number
}

interface Point {
  readonly x?: number
  readonly y?: number
}

/** Of version 4.0. */
export interface ImageAnswer {
  readonly modelVersion?: string
  readonly metadata?: Size
  readonly tagsResult?: { readonly values?: readonly Tag[] }
  readonly objectsResult?: {
    readonly values?: readonly { readonly boundingBox?: PixelBox; readonly tags?: readonly Tag[] }[]
  }
  readonly readResult?: {
    readonly blocks?: readonly {
      readonly lines?: readonly {
        readonly text?: string
        readonly boundingPolygon?: readonly Point[]
        readonly words?: readonly Pick<Tag, 'confidence'>[]
      }[]
    }[]
  }
}

/** Of version 3.2, which alone tells of faces and of what adults only should see. */
export interface FacesAnswer {
  readonly modelVersion?: string
  readonly metadata?: Size
  readonly faces?: readonly {
    readonly faceRectangle?: {
      readonly left?: number
      readonly top?: number
      readonly width?: number
      readonly height?: number
    }
  }[]
  readonly adult?: { readonly adultScore?: number; readonly racyScore?: number; readonly goreScore?: number }
}

interface Size {
  readonly width?: number
  readonly height?: number
}

interface PixelBox {
  readonly x?: number
  readonly y?: number
  readonly w?: number
  readonly h?: number
}

/** Pixels of what was sent, which the answer tells the size of. */
function box({ x = 0, y = 0, w = 0, h = 0 }: PixelBox = {}, { width = 1, height = 1 }: Size = {}): Box {
  return { x: x / width, y: y / height, width: w / width, height: h / height }
}

/** Tags tell what there is, objects where: both of one name are one label. */
export function foundLabels({ tagsResult, objectsResult, metadata }: ImageAnswer): FoundLabel[] {
  const labels = new Map<string, FoundLabel>()
  const note = ({ name: label = '', confidence = 0 }: Tag, boxes: readonly Box[]): void => {
    const name = labelName(label)
    const known = labels.get(name)
    labels.set(name, {
      name,
      category: categoryOf(name),
      confidence: Math.max(confidence, known?.confidence ?? 0),
      boxes: [...(known?.boxes ?? []), ...boxes],
      label: known?.label ?? label,
    })
  }
  for (const tag of tagsResult?.values ?? []) note(tag, [])
  for (const { boundingBox, tags = [] } of objectsResult?.values ?? []) {
    for (const tag of tags) if ((tag.confidence ?? 0) >= confidenceMin) note(tag, [box(boundingBox, metadata)])
  }
  return [...labels.values()]
}

/** A line is as sure as its least sure word. */
export function foundText({ readResult, metadata }: ImageAnswer): FoundText[] {
  const lines = (readResult?.blocks ?? []).flatMap((block) => block.lines ?? [])
  return lines.map(({ text = '', boundingPolygon = [], words = [] }) => ({
    text,
    confidence: Math.min(...words.map(({ confidence = 0 }) => confidence), 1),
    box: box(around(boundingPolygon), metadata),
  }))
}

function around(points: readonly Point[]): PixelBox {
  if (points.length === 0) return {}
  const [xs, ys] = [points.map(({ x = 0 }) => x), points.map(({ y = 0 }) => y)]
  const [x, y] = [Math.min(...xs), Math.min(...ys)]
  return { x, y, w: Math.max(...xs) - x, h: Math.max(...ys) - y }
}

/** It tells no confidence. */
export const foundFaces = ({ faces = [], metadata }: FacesAnswer): FoundFace[] =>
  faces.map(({ faceRectangle: { left, top, width, height } = {} }) => ({
    box: box({ x: left ?? 0, y: top ?? 0, w: width ?? 0, h: height ?? 0 }, metadata),
  }))

export const foundModeration = ({
  adult: { adultScore = 0, racyScore = 0, goreScore = 0 } = {},
}: FacesAnswer): FoundModeration[] => [
  { category: 'explicit', confidence: adultScore, label: 'adult' },
  { category: 'suggestive', confidence: racyScore, label: 'racy' },
  { category: 'violence', confidence: goreScore, label: 'gore' },
]
