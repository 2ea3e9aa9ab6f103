import sharp from 'sharp'

export interface Grey {
  readonly data: Buffer
  readonly width: number
  readonly height: number
}

/** The brightness of a picture, 8 bits a pixel. */
export async function greyOf(path: string): Promise<Grey> {
  const { data, info } = await sharp(path).greyscale().raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

const side = 8
const stride = 4
const [c1, c2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2]

/** Structural similarity (Wang et al. 2004), the mean over windows of 8 x 8 pixels at every fourth one. 1 is equal. */
export function ssim(a: Grey, b: Grey): number {
  if (a.width !== b.width || a.height !== b.height) throw new Error('The pictures differ in size')
  let [total, windows] = [0, 0]
  for (let y = 0; y + side <= a.height; y += stride) {
    for (let x = 0; x + side <= a.width; x += stride) {
      total += windowSsim(a.data, b.data, y * a.width + x, a.width)
      windows++
    }
  }
  return total / windows
}

function windowSsim(a: Buffer, b: Buffer, start: number, width: number): number {
  let [sumA, sumB, squaresA, squaresB, products] = [0, 0, 0, 0, 0]
  for (let row = 0; row < side; row++) {
    for (let at = start + row * width, end = at + side; at < end; at++) {
      const [left = 0, right = 0] = [a[at], b[at]]
      sumA += left
      sumB += right
      squaresA += left * left
      squaresB += right * right
      products += left * right
    }
  }
  const n = side * side
  const [meanA, meanB] = [sumA / n, sumB / n]
  const variances = squaresA / n - meanA ** 2 + squaresB / n - meanB ** 2
  const covariance = products / n - meanA * meanB
  return ((2 * meanA * meanB + c1) * (2 * covariance + c2)) / ((meanA ** 2 + meanB ** 2 + c1) * (variances + c2))
}
