import {
  type Box,
  confidenceMin,
  type FoundFace,
  type FoundLabel,
  type FoundModeration,
  type FoundText,
  type LabelCategory,
  type ModerationCategory,
} from '../../shared/domain/analysis.ts'
import { categoryOf, labelName } from '../../shared/domain/label-category.ts'

/** Answers of Rekognition as far as they are read; every member may be absent. */
interface RekognitionBox {
  readonly Left?: number
  readonly Top?: number
  readonly Width?: number
  readonly Height?: number
}

export interface LabelsAnswer {
  readonly Labels?: readonly {
    readonly Name?: string
    readonly Confidence?: number
    readonly Instances?: readonly { readonly BoundingBox?: RekognitionBox; readonly Confidence?: number }[]
    readonly Categories?: readonly { readonly Name?: string }[]
  }[]
}

export interface TextAnswer {
  readonly TextDetections?: readonly {
    readonly DetectedText?: string
    readonly Type?: string
    readonly Confidence?: number
    readonly Geometry?: { readonly BoundingBox?: RekognitionBox }
  }[]
}

export interface FacesAnswer {
  readonly FaceDetails?: readonly { readonly BoundingBox?: RekognitionBox; readonly Confidence?: number }[]
}

export interface ModerationAnswer {
  readonly ModerationLabels?: readonly {
    readonly Name?: string
    readonly ParentName?: string
    readonly Confidence?: number
  }[]
}

/** Rekognition's categories of labels that mean one of ours. */
const categories: Readonly<Record<string, LabelCategory>> = {
  Actions: 'person',
  'Person Description': 'person',
  'Expressions and Emotions': 'person',
  'Animals and Pets': 'animal',
  'Plants and Flowers': 'plant',
  'Food and Beverage': 'food',
  'Kitchen and Dining': 'indoor',
  'Apparel and Accessories': 'clothing',
  'Vehicles and Automotive': 'vehicle',
  'Transport and Logistics': 'vehicle',
  'Buildings and Architecture': 'building',
  'Popular Landmarks': 'building',
  'Nature and Outdoors': 'nature',
  'Home and Indoors': 'indoor',
  'Furniture and Furnishings': 'indoor',
  'Home Appliances': 'indoor',
  'Offices and Workspaces': 'indoor',
  Sports: 'sport',
  'Technology and Computing': 'technology',
  'Text and Documents': 'text',
  'Performing Arts': 'art',
  'Hobbies and Interests': 'art',
  'Symbols and Flags': 'symbol',
  'Weapons and Military': 'weapon',
  Medical: 'medical',
  'Everyday Objects': 'object',
  'Tools and Machinery': 'object',
  'Toys and Gaming': 'object',
}

/** The first level of Rekognition's moderation labels, of versions 6 and 7. */
const moderations: Readonly<Record<string, ModerationCategory>> = {
  Explicit: 'explicit',
  'Explicit Nudity': 'explicit',
  'Non-Explicit Nudity of Intimate parts and Kissing': 'suggestive',
  'Swimwear or Underwear': 'suggestive',
  Suggestive: 'suggestive',
  Violence: 'violence',
  'Visually Disturbing': 'disturbing',
  'Drugs & Tobacco': 'drugs',
  Drugs: 'drugs',
  Tobacco: 'drugs',
  Alcohol: 'alcohol',
  'Rude Gestures': 'rude',
  Gambling: 'gambling',
  'Hate Symbols': 'hate',
}

/** Fractions of the picture already; 0 to 100 where we say 0 to 1. */
const box = ({ Left = 0, Top = 0, Width = 0, Height = 0 }: RekognitionBox = {}): Box => ({
  x: Left,
  y: Top,
  width: Width,
  height: Height,
})
const fraction = (percent = 0): number => percent / 100

export const foundLabels = ({ Labels = [] }: LabelsAnswer): FoundLabel[] =>
  Labels.map(({ Name = '', Confidence, Instances = [], Categories = [] }) => {
    const name = labelName(Name)
    const said = Categories.map((category) => categories[category.Name ?? '']).find((each) => each !== undefined)
    const boxes = Instances.filter((each) => fraction(each.Confidence) >= confidenceMin)
    return {
      name,
      category: categoryOf(name, said),
      confidence: fraction(Confidence),
      boxes: boxes.map(({ BoundingBox }) => box(BoundingBox)),
      label: Name,
    }
  })

/** Lines alone: their words are told once more, each by itself. */
export const foundText = ({ TextDetections = [] }: TextAnswer): FoundText[] =>
  TextDetections.filter(({ Type }) => Type === 'LINE').map(({ DetectedText = '', Confidence, Geometry }) => ({
    text: DetectedText,
    confidence: fraction(Confidence),
    box: box(Geometry?.BoundingBox),
  }))

export const foundFaces = ({ FaceDetails = [] }: FacesAnswer): FoundFace[] =>
  FaceDetails.map(({ BoundingBox, Confidence }) => ({ box: box(BoundingBox), confidence: fraction(Confidence) }))

/** A label lies up to two levels below the one that tells its category. */
export function foundModeration({ ModerationLabels = [] }: ModerationAnswer): FoundModeration[] {
  const parents = new Map(ModerationLabels.map(({ Name = '', ParentName = '' }) => [Name, ParentName]))
  const topOf = (name: string): string => {
    const parent = parents.get(name) ?? ''
    const above = parent === '' ? name : parent
    return parents.get(above) || above
  }
  return ModerationLabels.map(({ Name = '', Confidence }) => ({
    category: moderations[topOf(Name)] ?? 'other',
    confidence: fraction(Confidence),
    label: Name,
  }))
}
