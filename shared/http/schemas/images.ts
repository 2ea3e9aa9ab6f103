import * as z from '../zod.ts'
import { blurMax, dprMax, imageCrops, imageFits, imageSideMax, wantedFormats } from '../../domain/image-params.ts'
import {
  policyNamePattern,
  policyWidthsMax,
  preparedMax,
  presetNamePattern,
  presetsMax,
} from '../../domain/image-policy.ts'
import { signatureChars } from '../signing.ts'

const watermarkSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,57}(,(centre|northwest|northeast|southwest|southeast)(,([1-9]\d?|100)(,([1-9]\d?|100))?)?)?$/,
    'An asset, then its place, its opacity and its share of the sides in percent, such as logo,southeast,60,25.',
  )
  .openapi({ description: 'Another image of yours over this one.', example: 'logo,southeast,60,25' })

/** What a URL can say in few characters. */
const twoDecimals = (least: number, most: number) =>
  z
    .number()
    .min(least)
    .max(most)
    .refine((value) => Number(value.toFixed(2)) === value, 'It may have two decimals.')

/** How an image is wanted, as JSON. */
export const imageParamsSchema = z
  .strictObject({
    w: z.number().int().min(1).max(imageSideMax).optional(),
    h: z.number().int().min(1).max(imageSideMax).optional(),
    fit: z.enum(imageFits).optional(),
    crop: z.enum(imageCrops).optional(),
    format: z.enum(wantedFormats).optional(),
    q: z.number().int().min(1).max(100).optional(),
    dpr: twoDecimals(0.5, dprMax).optional(),
    blur: twoDecimals(0.3, blurMax).optional(),
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

/** A number in the query, within the bounds of the parameter of that name. */
const numberParam = (schema: z.ZodNumber, pattern: RegExp) =>
  z.string().regex(pattern, 'It must be a number.').transform(Number).pipe(schema).openapi({ type: 'number' })

const { w, h, fit, crop, format, q, dpr, blur, watermark } = imageParamsSchema.shape
const whole = /^[0-9]{1,5}$/
const decimal = /^[0-9]{1,3}(\.[0-9]{1,2})?$/

/** Who may see it: what a signed URL carries. */
export const accessQuery = z.strictObject({
  tenant: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .optional(),
  key: z
    .string()
    .regex(/^[0-9a-z]{1,20}$/)
    .optional(),
  expires: numberParam(z.number().int(), /^[0-9]{1,11}$/).optional(),
  signature: z
    .string()
    .regex(new RegExp(`^[A-Za-z0-9_-]{${signatureChars}}$`))
    .optional(),
})

/** How an image is wanted, as a query. */
export const imageQuery = accessQuery.extend({
  w: numberParam(w.unwrap(), whole).optional(),
  h: numberParam(h.unwrap(), whole).optional(),
  fit,
  crop,
  format,
  q: numberParam(q.unwrap(), whole).optional(),
  dpr: numberParam(dpr.unwrap(), decimal).optional(),
  blur: numberParam(blur.unwrap(), decimal).optional(),
  watermark,
})
