import * as z from '../zod.ts'
import { timeSchema } from './common.ts'

export const playbackSchema = z
  .object({
    hls: z.string().openapi({ description: 'The master playlist (RFC 8216).' }),
    dash: z.string().openapi({ description: 'The manifest (ISO/IEC 23009-1, on-demand profile).' }),
    thumbnails: z
      .string()
      .optional()
      .openapi({ description: 'WebVTT whose cues name parts of a sprite sheet, for the bar of a player.' }),
    expiresAt: timeSchema,
  })
  .openapi('Playback')
