import * as z from '../zod.ts'
import { labelCategories, moderationCategories } from '../../domain/analysis.ts'
import { sites } from '../../domain/site.ts'

const fraction = z.number().min(0).max(1)

const boxSchema = z
  .object({ x: fraction, y: fraction, width: fraction, height: fraction })
  .openapi('Box', { description: 'Fractions of the picture as it is shown; x and y of the corner at the top left.' })

const labelSchema = z
  .object({
    name: z.string().openapi({ example: 'dog' }),
    category: z.enum(labelCategories),
    confidence: fraction,
    boxes: z.array(boxSchema),
    label: z.string().openapi({ description: "The service's own word.", example: 'Dog' }),
  })
  .openapi('FoundLabel')

const textSchema = z.object({ text: z.string(), confidence: fraction, box: boxSchema }).openapi('FoundText')

const faceSchema = z
  .object({ box: boxSchema, confidence: fraction.optional() })
  .openapi('FoundFace', { description: 'Where a face is, never whose.' })

const moderationSchema = z
  .object({ category: z.enum(moderationCategories), confidence: fraction, label: z.string() })
  .openapi('FoundModeration')

export const analysisSchema = z
  .object({
    state: z.enum(['done', 'waiting', 'failed']),
    service: z.string().openapi({ example: 'rekognition' }),
    site: z.enum(sites),
    models: z.record(z.string(), z.string()).optional(),
    labels: z.array(labelSchema).optional(),
    text: z.array(textSchema).optional().openapi({ description: 'Line by line.' }),
    faces: z.array(faceSchema).optional(),
    moderation: z.array(moderationSchema).optional(),
    error: z.object({ code: z.string(), detail: z.string() }).optional(),
  })
  .openapi('Analysis', {
    description:
      'What a service saw in the picture. What is absent was not asked for; what is empty was, and nothing was found.',
  })
