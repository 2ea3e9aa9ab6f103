import { chance } from './chance.ts'
import { noise2d } from './noise.ts'

// Taken out once: inside a sandbox every look at a global costs a call.
const { exp, floor, hypot, max, min, round } = Math

export interface Picture {
  /** RGB, 8 bits a channel. */
  readonly data: Buffer
  readonly width: number
  readonly height: number
}

type Colour = readonly [number, number, number]

const zenith: Colour = [52, 96, 168]
const horizon: Colour = [248, 196, 150]
const sunlight: Colour = [255, 232, 190]
const ridges = [
  { base: 0.46, rise: 0.1, scale: 2.2, colour: [150, 140, 165] },
  { base: 0.52, rise: 0.12, scale: 3.1, colour: [104, 104, 132] },
  { base: 0.58, rise: 0.1, scale: 4.6, colour: [62, 74, 92] },
  { base: 0.64, rise: 0.06, scale: 9, colour: [30, 44, 48] },
] as const
const shore = 0.68

/** A made-up evening: sky with clouds and a low sun, four mountain ridges in haze, a lake that mirrors them, film grain. */
export function landscape(width: number, height: number): Picture {
  const data = Buffer.alloc(width * height * 3)
  const clouds = cloudField(width, height)
  const tops = ridges.map((ridge, index) => ridgeLine(ridge, index, width, height))
  const ripple = noise2d(91, 3)
  const grain = Int8Array.from({ length: 65_536 }, grainSource())
  for (let y = 0; y < height; y++) {
    const below = y / height - shore
    for (let x = 0; x < width; x++) {
      // In the lake each line shows the line as far above the shore, shaken sideways and darkened.
      const mirrored = below > 0
      const row = mirrored ? max(0, round((shore - below * 1.4) * height)) : y
      const sway = mirrored ? round((ripple(x / 90, y / 7) - 0.5) * (20 + below * 220)) : 0
      const column = min(width - 1, max(0, x + sway))
      const [red, green, blue] = scene(column, row, width, height, clouds, tops)
      const shade = mirrored ? 0.78 - below * 0.5 : 1
      const speck = grain[(x * 7_919 + y * 104_729) & 65_535] ?? 0
      const index = (y * width + x) * 3
      data[index] = clamp(red * shade + speck)
      data[index + 1] = clamp(green * shade + speck)
      data[index + 2] = clamp(blue * (mirrored ? shade + 0.06 : 1) + speck)
    }
  }
  return { data, width, height }
}

function scene(
  x: number,
  y: number,
  width: number,
  height: number,
  clouds: Float32Array,
  tops: readonly Float32Array[],
): Colour {
  for (let index = tops.length - 1; index >= 0; index--) {
    const top = tops[index]?.[x] ?? height
    if (y < top) continue
    const colour = ridges[index]?.colour ?? zenith
    // Haze gathers at the foot of each ridge.
    return mix(colour, horizon, min(0.45, ((y - top) / height) * 2.4))
  }
  const sky = mix(zenith, horizon, min(1, (y / height / 0.56) ** 1.4))
  const distance = hypot(x / width - 0.68, ((y / height - 0.4) * height) / width)
  const lit = mix(sky, sunlight, min(1, exp(-distance * 9) + (distance < 0.035 ? 1 : 0)))
  const cloud = clouds[(y >> 2) * ((width >> 2) + 1) + (x >> 2)] ?? 0
  return mix(lit, [255, 240, 228], cloud * 0.75)
}

/** Cloud cover at a quarter of the resolution. */
function cloudField(width: number, height: number): Float32Array {
  const noise = noise2d(7, 5)
  const columns = (width >> 2) + 1
  const field = new Float32Array(columns * ((height >> 2) + 1))
  for (let index = 0; index < field.length; index++) {
    const [x, y] = [index % columns, floor(index / columns)]
    field[index] = max(0, min(1, (noise(x / 160, y / 48) - 0.52) * 4))
  }
  return field
}

function ridgeLine(ridge: (typeof ridges)[number], index: number, width: number, height: number): Float32Array {
  const noise = noise2d(31 + index, 7)
  return Float32Array.from({ length: width }, (_, x) => {
    return (ridge.base + (0.5 - noise((x / width) * ridge.scale, index * 5)) * 2 * ridge.rise) * height
  })
}

function grainSource(): () => number {
  const next = chance(5)
  return () => round((next() + next() + next() - 1.5) * 9)
}

const mix = (a: Colour, b: Colour, share: number): Colour => [
  a[0] + (b[0] - a[0]) * share,
  a[1] + (b[1] - a[1]) * share,
  a[2] + (b[2] - a[2]) * share,
]

const clamp = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : value)
