export type Print = (line: string) => void

export interface Progress {
  /** One line with the seconds since the tour began. */
  say(text: string): void
  /** The heading of a part. */
  part(title: string): void
  seconds(): number
}

/** Whole lines only, so that it reads the same on a terminal and in a file. */
export function progressOf(print: Print): Progress {
  const began = performance.now()
  const seconds = (): number => (performance.now() - began) / 1000
  return {
    seconds,
    say: (text) => print(`[${seconds().toFixed(1).padStart(5)} s] ${text}`),
    part: (title) => print(`\n${title}`),
  }
}

/** 1234567 bytes as `1.2 MB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(0)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

/** Rows of cells with the columns aligned; columns named in `right` are flush right. */
export function tableLines(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)))
  const pad = (cell: string, column: number): string =>
    right.includes(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)
  const lines = rows.map((row) => row.map(pad).join('  ').trimEnd())
  const rule = widths.map((width) => '-'.repeat(width)).join('  ')
  return [lines[0] ?? '', rule, ...lines.slice(1)]
}
