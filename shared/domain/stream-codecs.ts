/** What adaptive streams may be encoded in besides H.264. */
export const streamCodecs = ['hevc', 'av1'] as const
export type StreamCodec = (typeof streamCodecs)[number]
