import { typeOfText } from './types.ts'

const nameCharactersMax = 128

/**
 * Column names from the first record: trimmed, without line ends and control characters, never empty, never twice.
 * `a, a, ` becomes `a`, `a_2`, `column_3`.
 */
export function headerNames(cells: readonly string[]): string[] {
  const taken = new Set<string>()
  return cells.map((cell, index) => {
    const plain = cell
      .replace(/[\s\p{Cc}\u200b\ufeff]+/gu, ' ')
      .trim()
      .slice(0, nameCharactersMax)
      .trim()
    const base = plain === '' ? `column_${index + 1}` : plain
    let name = base
    for (let count = 2; taken.has(name); count++) name = `${base}_${count}`
    taken.add(name)
    return name
  })
}

/** A first record in which every filled cell is a number or a date is a row already. */
export const looksLikeHeader = (cells: readonly string[]): boolean =>
  cells.some((cell) => typeOfText(cell.trim()) === 'string') || cells.every((cell) => cell.trim() === '')
