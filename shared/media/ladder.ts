/** One step of an adaptive stream. */
export interface Rung {
  readonly width: number
  readonly height: number
  /** H.264 level (ITU-T H.264, A.3), such as 3.1. */
  readonly level: number
  readonly bitsPerSecondMax: number
}

interface Picture {
  /** As displayed. */
  readonly width: number
  readonly height: number
  readonly framesPerSecond: number
}

const shortSides = [1080, 720, 480, 270] as const
/** A rung that is hardly smaller than the one above it helps nobody. */
const stepShareMax = 0.7
/** Below this a film is over before a player could change rungs. */
const ladderMsMin = 8_000
const longSideMax = 4096
/** What a picture of 1280 x 720 may need; others follow their area, less than in proportion. */
const bitsPerSecondAt720 = 3_000_000
const areaAt720 = 1280 * 720

/** Frames a second beyond this are dropped: no phone shows them. */
export const framesPerSecondMax = 60

/** The rungs for a film, largest first; none is larger than the film, and a short film has one. */
export function rungsFor(picture: Picture, durationMs: number): Rung[] {
  const short = Math.min(picture.width, picture.height)
  if (durationMs < ladderMsMin) return [rungOf(picture, Math.min(short, 720))]
  const top = Math.min(short, shortSides[0])
  const lower = shortSides.filter((side) => side <= top * stepShareMax)
  return [top, ...lower].map((side) => rungOf(picture, side))
}

/** The film with a short side of about so many pixels, in even numbers, its shape kept as far as that goes. */
export function rungOf({ width, height, framesPerSecond }: Picture, shortSide: number): Rung {
  const scale = Math.min(1, shortSide / Math.min(width, height), longSideMax / Math.max(width, height))
  const even = (side: number): number =>
    Math.max(2, Math.min(Math.round((side * scale) / 2) * 2, Math.floor(side / 2) * 2))
  const size = { width: even(width), height: even(height) }
  const rate = Math.min(framesPerSecond, framesPerSecondMax)
  const area = size.width * size.height
  const bits = bitsPerSecondAt720 * (area / areaAt720) ** 0.75 * (rate > 40 ? 1.3 : 1)
  const bitsPerSecondMax = Math.max(200_000, Math.round(bits / 10_000) * 10_000)
  return { ...size, bitsPerSecondMax, level: levelFor(size, rate, bitsPerSecondMax) }
}

/** ITU-T H.264, table A-1, High profile: macroblocks a frame and a second, bits a second. */
const levels = [
  { level: 3, frame: 1_620, second: 40_500, bits: 12_500_000 },
  { level: 3.1, frame: 3_600, second: 108_000, bits: 17_500_000 },
  { level: 3.2, frame: 5_120, second: 216_000, bits: 25_000_000 },
  { level: 4, frame: 8_192, second: 245_760, bits: 25_000_000 },
  { level: 4.2, frame: 8_704, second: 522_240, bits: 62_500_000 },
  { level: 5.1, frame: 36_864, second: 983_040, bits: 300_000_000 },
] as const

function levelFor(size: { readonly width: number; readonly height: number }, rate: number, bits: number): number {
  const frame = Math.ceil(size.width / 16) * Math.ceil(size.height / 16)
  const found = levels.find((each) => frame <= each.frame && frame * rate <= each.second && bits <= each.bits)
  return found?.level ?? 5.2
}
