/** A larger profile describes a printer in tables, or hides something: it is converted away, not carried along. */
const profileBytesMax = 64 * 1024
/** By how much a profile's triangle of colours must exceed that of sRGB to be worth keeping; Display P3 has 1.36. */
const wideRatioMin = 1.15

type Xyz = readonly [number, number, number]

/** The colorants of sRGB in the connection space of profiles, D50 (IEC 61966-2-1, adapted by Bradford). */
const srgb: readonly Xyz[] = [
  [0.4361, 0.2225, 0.0139],
  [0.3851, 0.7169, 0.0971],
  [0.1431, 0.0606, 0.7141],
]

/**
 * Whether an ICC profile (ICC.1:2022) is a plain RGB one with clearly more colours than sRGB: Display P3, Adobe RGB, ProPhoto,
 * Rec. 2020. False for whatever cannot be read.
 */
export function isWideGamut(profile: Uint8Array | undefined): boolean {
  if (!profile || profile.length > profileBytesMax || profile.length < 132) return false
  const view = new DataView(profile.buffer, profile.byteOffset, profile.byteLength)
  if (textAt(view, 16) !== 'RGB ' || textAt(view, 20) !== 'XYZ ') return false
  const tags = tagsOf(view)
  const colorants = ['rXYZ', 'gXYZ', 'bXYZ'].map((name) => xyzAt(view, tags.get(name)))
  const [red, green, blue] = colorants
  if (!red || !green || !blue) return false
  return areaOf([red, green, blue]) > areaOf(srgb) * wideRatioMin
}

const textAt = (view: DataView, at: number): string =>
  String.fromCharCode(...Array.from({ length: 4 }, (_, index) => view.getUint8(at + index)))

/** Where each tag's data begins. */
function tagsOf(view: DataView): Map<string, number> {
  const count = Math.min(view.getUint32(128), Math.floor((view.byteLength - 132) / 12))
  return new Map(
    Array.from({ length: count }, (_, index) => {
      const at = 132 + index * 12
      return [textAt(view, at), view.getUint32(at + 4)]
    }),
  )
}

/** An XYZType with one value of three s15Fixed16 numbers. */
function xyzAt(view: DataView, at: number | undefined): Xyz | undefined {
  if (at === undefined || at + 20 > view.byteLength || textAt(view, at) !== 'XYZ ') return undefined
  const fixed = (offset: number): number => view.getInt32(at + offset) / 65_536
  return [fixed(8), fixed(12), fixed(16)]
}

/** Of the triangle that three colorants span in the chromaticity plane. */
function areaOf(colorants: readonly Xyz[]): number {
  const points = colorants.map(([x, y, z]) => [x / (x + y + z), y / (x + y + z)] as const)
  const [[ax, ay] = [0, 0], [bx, by] = [0, 0], [cx, cy] = [0, 0]] = points
  return Math.abs(ax * (by - cy) + bx * (cy - ay) + cx * (ay - by)) / 2
}
