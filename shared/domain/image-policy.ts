import type { ImageParams } from './image-params.ts'

/** What becomes of the images of a collection of assets. */
export type ImagePolicy = {
  /** Named ways to show an image, at `/v1/images/{asset}/{preset}`. */
  presets: { [name: string]: ImageParams }
  /** Presets that are made when an image arrives, in every format; the others are made when they are first asked for. */
  prepare: string[]
  /** The responsive set; the standard one unless given, none when empty. */
  widths?: number[]
  animation: 'keep' | 'still'
  /** Whether the place that a photo tells is stored and shown. */
  location: 'hide' | 'show'
  /** Whether presets need neither key nor signature. */
  public: boolean
}

export const imagePolicyDefault: ImagePolicy = {
  presets: {},
  prepare: [],
  animation: 'keep',
  location: 'hide',
  public: false,
}

export const presetsMax = 50
export const preparedMax = 8
export const policyWidthsMax = 8
export const policyNamePattern = /^[a-z0-9][a-z0-9-]{0,57}$/
export const presetNamePattern = /^[a-z][a-z0-9-]{0,39}$/
