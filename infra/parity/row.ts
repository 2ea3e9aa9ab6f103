/** One line of what has to be alike in both clouds: its name, and each fact as text. */
export interface Row {
  readonly name: string
  readonly facts: Readonly<Record<string, string>>
}

export const row = (name: string, facts: Readonly<Record<string, string | number | boolean>>): Row => ({
  name,
  facts: Object.fromEntries(Object.entries(facts).map(([fact, value]) => [fact, String(value)])),
})

/** A fact in which two tables differ, with what each says. */
export interface Difference {
  readonly name: string
  readonly fact: string
  readonly aws: string
  readonly azure: string
}

/** Every fact in which two tables differ. */
export function differences(aws: readonly Row[], azure: readonly Row[]): Difference[] {
  const names = [...new Set([...aws, ...azure].map(({ name }) => name))]
  return names.flatMap((name) => {
    const [left, right] = [aws, azure].map((rows) => rows.find((one) => one.name === name)?.facts)
    const facts = [...new Set([...Object.keys(left ?? {}), ...Object.keys(right ?? {})])]
    return facts
      .map((fact) => ({ name, fact, aws: left?.[fact] ?? 'nothing', azure: right?.[fact] ?? 'nothing' }))
      .filter((one) => one.aws !== one.azure)
  })
}
