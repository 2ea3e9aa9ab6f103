import type { PlantedBug } from './planted-bugs.ts'

/** Mistakes in what one version takes from the next. */
export const versionBugs: readonly PlantedBug[] = [
  {
    name: 'a state with a member that is not known is refused',
    file: 'shared/http/peer-schemas.ts',
    find: `    fields: fields.optional(),
  })
`,
    replace: `    fields: fields.optional(),
  })
  .strict()
`,
    override: { mixedVersions: true },
  },
]
