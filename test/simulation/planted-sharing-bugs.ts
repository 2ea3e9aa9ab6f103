import type { PlantedBug } from './planted-bugs.ts'
import type { ProfileOverride } from './profile.ts'

const share = 'shared/core/share-bytes.ts'
const contents = 'shared/core/contents.ts'
const missing = 'shared/core/missing-objects.ts'

/** Runs in which everybody brings the same few files. */
const sharing: ProfileOverride = {
  name: 'storm',
  isCalm: false,
  rebuild: 'none',
  loseFeedEvents: 0,
  longOutage: false,
  objects: true,
  uploads: true,
  alike: 1,
  clients: 3,
  opsPerClient: 30,
}

/** Mistakes in how equal bytes are shared. */
export const sharingBugs: readonly PlantedBug[] = [
  {
    name: 'equal bytes are shared with another tenant',
    file: share,
    find: 'const donors = await donorsOf(services, content)',
    replace: "const donors = await donorsOf(services, { ...content, tenant: 'acme' })",
    override: sharing,
  },
  {
    name: 'what is shared is not looked for',
    file: share,
    find: '    if (!(await isAllHere(services, donor))) continue\n',
    replace: '',
    override: sharing,
  },
  {
    name: 'who shares is not listed',
    file: share,
    find: '    if (!(await listedAt(services, donor, content))) continue\n',
    replace: '',
    override: sharing,
  },
  {
    name: 'equal bytes are shared with a deleted asset',
    file: contents,
    find: 'live && (media?.body',
    replace: '(media?.body',
    override: { ...sharing, thinkMsMax: 90_000, opsPerClient: 60, filesPerSite: 1, mischiefMs: 0 },
  },
  {
    name: 'an object that one asset waits for is not known to be missed by another',
    file: missing,
    find: '  if (!isNew) await wantAsWell(services, { tenant, asset, key })\n',
    replace: '',
    override: sharing,
  },
  {
    name: 'of all that wait for an object one is told that it has come',
    file: missing,
    find: 'for (const each of [target.asset, asset, ...others]) {',
    replace: 'for (const each of [target.asset, asset, ...others].slice(0, 2)) {',
    override: sharing,
  },
]
