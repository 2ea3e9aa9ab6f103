/** What is to be reached: at least, or at most. */
export type Bar = { readonly atLeast: number } | { readonly atMost: number }

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly bar?: Bar
  /** What the value is compared with, measured in the same run. */
  readonly peer?: { readonly name: string; readonly value: number }
}

/** Prints one line of JSON; `met` is null where no bar is set. Returns whether the bar was met. */
export function printFigure({ name, value, unit, bar, peer }: Figure): boolean {
  const met = bar === undefined ? null : isMet(value, bar)
  const line = {
    name,
    value: rounded(value),
    unit,
    bar: bar ?? null,
    met,
    peer: peer?.name ?? null,
    peerValue: peer === undefined ? null : rounded(peer.value),
    ratio: peer === undefined ? null : rounded(value / peer.value),
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
  return met !== false
}

const isMet = (value: number, bar: Bar): boolean => ('atLeast' in bar ? value >= bar.atLeast : value <= bar.atMost)

const rounded = (value: number): number => Number(value.toPrecision(4))

/** The value below which this fraction of the sorted values lies (nearest rank). */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? Number.NaN
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)
