import { breakerBugs } from './planted-breaker-bugs.ts'
import { clientBugs } from './planted-client-bugs.ts'
import { fieldBugs } from './planted-field-bugs.ts'
import { mergeBugs } from './planted-merge-bugs.ts'
import { objectBugs } from './planted-object-bugs.ts'
import { overloadBugs } from './planted-overload-bugs.ts'
import { pauseBugs } from './planted-pause-bugs.ts'
import type { ProfileOverride } from './profile.ts'
import { repairBugs } from './planted-repair-bugs.ts'
import { sharingBugs } from './planted-sharing-bugs.ts'
import { versionBugs } from './planted-version-bugs.ts'
import { webhookBugs } from './planted-webhook-bugs.ts'

/** A mistake that somebody could make: one text of one file of the core, and what stands there instead. */
export interface PlantedBug {
  readonly name: string
  /** From the root of the repository. */
  readonly file: string
  readonly find: string
  readonly replace: string
  /** Where the seeds that show it are rare, a kind of run that is not. */
  readonly override?: ProfileOverride
}

export const plantedBugs: readonly PlantedBug[] = [
  ...mergeBugs,
  ...fieldBugs,
  ...clientBugs,
  ...repairBugs,
  ...objectBugs,
  ...sharingBugs,
  ...pauseBugs,
  ...breakerBugs,
  ...webhookBugs,
  ...overloadBugs,
  ...versionBugs,
]
