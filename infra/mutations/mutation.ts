/** A mistake to plant: some exact text of a file is replaced, once. */
export interface Mutation {
  readonly name: string
  readonly cloud: 'aws' | 'azure'
  /** Relative to the repository's root. */
  readonly file: string
  /** Must be found exactly once, so that a mistake that can no longer be planted is not counted as caught. */
  readonly find: string
  readonly replace: string
  /** The check that has to catch it, where others may as well. */
  readonly by?: string
}
