import sharp from 'sharp'
import type { Picture } from './landscape.ts'

// Taken out once: inside a sandbox every look at a global costs a call.
const { PI, abs, cos, hypot, max, min, round, sin } = Math

/** A phone's photograph: stored lying on its side with EXIF orientation 6, a camera, a time and a place. */
export async function writePhoto({ data, width, height }: Picture, path: string): Promise<void> {
  await sharp(data, { raw: { width, height, channels: 3 } })
    .rotate(270)
    .withMetadata({ orientation: 6 })
    .withExifMerge({
      IFD0: { Make: 'Catamaran', Model: 'Outrigger 2', Software: 'samples' },
      IFD2: { DateTimeOriginal: '2026:05:17 19:42:08', OffsetTimeOriginal: '+02:00', LensModel: '26mm f/1.8' },
      IFD3: {
        GPSLatitudeRef: 'N',
        GPSLatitude: '46/1 42/1 1180/100',
        GPSLongitudeRef: 'E',
        GPSLongitude: '8/1 11/1 2040/100',
      },
    })
    .jpeg({ quality: 88 })
    .toFile(path)
}

/** Two hulls under a sail on a transparent ground, edges smoothed. */
export async function writeLogo(path: string): Promise<void> {
  const [width, height] = [1200, 900]
  const data = Buffer.alloc(width * height * 4)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const index = (y * width + x) * 4
      const sail = coverage(min(x - 300 - (640 - y) * 0.3, 640 - y, 500 + (y - 90) * 0.7 - x))
      const hull = max(hullAt(x, y, 330), hullAt(x, y, 800))
      const alpha = max(sail, hull)
      data[index] = sail > hull ? 245 - y / 8 : 18
      data[index + 1] = sail > hull ? 120 + y / 10 : 66
      data[index + 2] = sail > hull ? 60 : 120
      data[index + 3] = round(alpha * 255)
    }
  }
  await sharp(data, { raw: { width, height, channels: 4 } })
    .png()
    .toFile(path)
}

const hullAt = (x: number, y: number, centre: number): number => {
  const depth = (y - 690) / 110
  return coverage(min(y - 690, (1 - depth ** 2) * 190 - abs(x - centre), 800 - y))
}

const coverage = (inside: number): number => max(0, min(1, inside / 2 + 0.5))

/** A ball that rolls around a disc: 24 frames of 60 ms, so that one turn is visibly smooth. */
export async function writeAnimations(gifPath: string, webpPath: string): Promise<void> {
  const [side, frames] = [360, 24]
  const data = Buffer.alloc(side * side * frames * 3)
  for (let frame = 0; frame < frames; frame++) drawFrame(data, frame, frames, side)
  const source = { raw: { width: side, height: side * frames, channels: 3 as const, pageHeight: side } }
  const timing = { loop: 0, delay: new Array<number>(frames).fill(60) }
  await sharp(data, source)
    .gif({ ...timing, effort: 1, colours: 64 })
    .toFile(gifPath)
  await sharp(data, source)
    .webp({ ...timing, quality: 80, effort: 1 })
    .toFile(webpPath)
}

function drawFrame(data: Buffer, frame: number, frames: number, side: number): void {
  const angle = (frame / frames) * 2 * PI
  const [ballX, ballY] = [side / 2 + cos(angle) * side * 0.3, side / 2 + sin(angle) * side * 0.3]
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const ball = coverage(34 - hypot(x - ballX, y - ballY))
      const disc = coverage(side * 0.46 - hypot(x - side / 2, y - side / 2))
      const index = ((frame * side + y) * side + x) * 3
      data[index] = 240 - disc * 200 + ball * 200
      data[index + 1] = 244 - disc * 150 + ball * 60
      data[index + 2] = 250 - disc * 80 - ball * 120
    }
  }
}
