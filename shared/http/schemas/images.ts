import { z } from '@hono/zod-openapi'
import { blurMax, dprMax, imageCrops, imageFits, imageSideMax, wantedFormats } from '../../domain/image-params.ts'
import {
  policyNamePattern,
  policyWidthsMax,
  preparedMax,
  presetNamePattern,
  presetsMax,
} from '../../domain/image-policy.ts'

const watermarkSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,57}(,(centre|northwest|northeast|southwest|southeast)(,([1-9]\d?|100)(,([1-9]\d?|100))?)?)?$/,
    'An asset, then its place, its opacity and its share of the sides in percent, such as logo,southeast,60,25.',
  )
  .openapi({ description: 'Another image of yours over this one.', example: 'logo,southeast,60,25' })

/** How an image is wanted, as JSON. */
export const imageParamsSchema = z
  .strictObject({
    w: z.number().int().min(1).max(imageSideMax).optional(),
    h: z.number().int().min(1).max(imageSideMax).optional(),
    fit: z.enum(imageFits).optional(),
    crop: z.enum(imageCrops).optional(),
    format: z.enum(wantedFormats).optional(),
    q: z.number().int().min(1).max(100).optional(),
    dpr: z.number().min(0.5).max(dprMax).optional(),
    blur: z.number().min(0.3).max(blurMax).optional(),
    watermark: watermarkSchema.optional(),
  })
  .openapi('ImageParams')

export const policyNameSchema = z
  .string()
  .regex(policyNamePattern, 'Small letters, digits and hyphens, 1 to 58 of them.')
  .openapi({ example: 'default' })

export const presetNameSchema = z
  .string()
  .regex(presetNamePattern, 'Small letters, digits and hyphens, 1 to 40 of them, beginning with a letter.')
  .openapi({ example: 'thumb' })

const widthsSchema = z
  .array(z.number().int().min(16).max(imageSideMax))
  .max(policyWidthsMax)
  .refine((widths) => widths.every((width, at) => at === 0 || width > (widths[at - 1] ?? 0)), 'They must rise.')

export const imagePolicySchema = z
  .strictObject({
    presets: z
      .record(presetNameSchema, imageParamsSchema)
      .refine((presets) => Object.keys(presets).length <= presetsMax, `At most ${presetsMax} presets.`)
      .default({}),
    prepare: z
      .array(presetNameSchema)
      .max(preparedMax)
      .default([])
      .openapi({ description: 'Presets to make when an image arrives; the others are made when first asked for.' }),
    widths: widthsSchema
      .optional()
      .openapi({ description: 'The responsive set; the standard one unless given, none when empty.' }),
    animation: z.enum(['keep', 'still']).default('keep'),
    location: z
      .enum(['hide', 'show'])
      .default('hide')
      .openapi({ description: 'Whether the place that a photo tells is stored and shown with the asset.' }),
    public: z
      .boolean()
      .default(false)
      .openapi({ description: 'Whether presets need neither key nor signature, only `?tenant=`.' }),
  })
  .refine(({ presets, prepare }) => prepare.every((name) => Object.hasOwn(presets, name)), {
    path: ['prepare'],
    error: 'It names a preset that the policy does not have.',
  })
  .openapi('ImagePolicy')
