import type { ConvertedFile, Inspection } from '../../shared/ports/media-converter.ts'
import type { Workbench } from './workbench.ts'

/** A format whose files are damaged again and again. */
export interface FuzzedFormat {
  readonly declared: string
  whole(bench: Workbench): Promise<Buffer>
  /** What to make of a copy, where all renditions would tell no more than these. */
  chosen?(recipes: Inspection['recipes']): Inspection['recipes']
  /** What is wrong with what was made of a damaged copy; undefined when nothing is. */
  faultOf(made: MadeOfCopy): Promise<string | undefined>
}

interface MadeOfCopy {
  readonly path: string
  readonly inspection: Inspection
  readonly files: readonly ConvertedFile[]
}
