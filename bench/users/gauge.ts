/** How many of something there are, and the most there have been at once. */
export interface Gauge {
  readonly now: number
  readonly most: number
  rise(): void
  fall(): void
}

export function makeGauge(): Gauge {
  let [now, most] = [0, 0]
  return {
    get now() {
      return now
    },
    get most() {
      return most
    },
    rise: () => {
      most = Math.max(most, ++now)
    },
    fall: () => {
      now--
    },
  }
}
