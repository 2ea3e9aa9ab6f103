import type { Sources } from './sources.ts'

/** Something that is wrong in what deploys. */
export interface Finding {
  /** Relative to the repository's root. */
  readonly file: string
  /** Stable, such as `aws/public-bucket`. */
  readonly rule: string
  readonly problem: string
  /** What to do about it. */
  readonly cure: string
}

export interface Check {
  readonly name: string
  /** A mistake planted in one cloud's sources is looked for by that cloud's checks, and by those of both. */
  readonly cloud: 'aws' | 'azure' | 'both'
  /** What was checked, when nothing was found. */
  readonly says: string
  /** Takes seconds rather than moments: asked last where one finding is enough. */
  readonly slow?: true
  readonly run: (sources: Sources) => Promise<Finding[]>
}

export const lineOf = ({ file, rule, problem, cure }: Finding): string => `${file}  ${rule}  ${problem}  -> ${cure}`
