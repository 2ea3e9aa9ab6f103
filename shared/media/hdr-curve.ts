/** Transfers of ITU-R BT.2100 by their code point in ITU-T H.273, 8.2. */
export const hdrCodes = { 16: 'pq', 18: 'hlg' } as const
export type HdrCode = keyof typeof hdrCodes

export const isHdrCode = (code: number): code is HdrCode => Object.hasOwn(hdrCodes, code)

/** What white paper has in a picture of high dynamic range, in candelas a square metre (ITU-R BT.2408). */
const paperNits = 203
const hlgPeakNits = 1_000
/** Up to here light stays as it is; what is brighter is drawn in, so that nothing is cut off. */
const knee = 0.75

/** For each number of so many bits the number of eight bits that shows it on a screen of ordinary range. */
export function hdrCurve(code: HdrCode, bits: number): Uint8Array {
  const most = 2 ** bits - 1
  const nits = code === 16 ? pqNits : hlgNits
  return Uint8Array.from({ length: most + 1 }, (_, value) =>
    Math.round(255 * srgbEncoded(drawnIn(nits(value / most) / paperNits))),
  )
}

/** BT.2100, table 4. */
function pqNits(signal: number): number {
  const [m1, m2, c1, c2, c3] = [2610 / 16_384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128] as const
  const power = signal ** (1 / m2)
  return 10_000 * (Math.max(0, power - c1) / (c2 - c3 * power)) ** (1 / m1)
}

/** BT.2100, table 5, on a screen of 1,000 candelas. */
function hlgNits(signal: number): number {
  const [a, b, c] = [0.17883277, 0.28466892, 0.55991073] as const
  const scene = signal <= 0.5 ? signal ** 2 / 3 : (Math.exp((signal - c) / a) + b) / 12
  return hlgPeakNits * scene ** 1.2
}

const drawnIn = (light: number): number =>
  light <= knee ? light : knee + (1 - knee) * (1 - Math.exp((knee - light) / (1 - knee)))

const srgbEncoded = (light: number): number => (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055)
