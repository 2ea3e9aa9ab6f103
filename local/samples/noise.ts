import { chance } from './chance.ts'

// Taken out once: inside a sandbox every look at a global costs a call.
const { floor } = Math

const gridSize = 256

/** Smooth noise in [0, 1] over the plane, summed over `octaves`, each twice as fine and half as strong. */
export function noise2d(seed: number, octaves: number): (x: number, y: number) => number {
  const next = chance(seed)
  const grid = Float32Array.from({ length: gridSize * gridSize }, next)
  const at = (x: number, y: number): number => grid[((y & (gridSize - 1)) << 8) | (x & (gridSize - 1))] ?? 0
  const smooth = (x: number, y: number): number => {
    const [left, top] = [floor(x), floor(y)]
    const [u, v] = [ease(x - left), ease(y - top)]
    const upper = at(left, top) + (at(left + 1, top) - at(left, top)) * u
    const lower = at(left, top + 1) + (at(left + 1, top + 1) - at(left, top + 1)) * u
    return upper + (lower - upper) * v
  }
  return (x, y) => {
    let [sum, weight, scale, total] = [0, 1, 1, 0]
    for (let octave = 0; octave < octaves; octave++) {
      sum += smooth(x * scale + octave * 17.3, y * scale + octave * 9.1) * weight
      total += weight
      weight /= 2
      scale *= 2
    }
    return sum / total
  }
}

const ease = (fraction: number): number => fraction * fraction * (3 - 2 * fraction)
