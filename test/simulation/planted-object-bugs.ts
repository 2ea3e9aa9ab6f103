import type { PlantedBug } from './planted-bugs.ts'
import type { ProfileOverride } from './profile.ts'

const copy = 'shared/core/copy-object.ts'
const parts = 'shared/core/copy-parts.ts'
const missing = 'shared/core/missing-objects.ts'
const sweep = 'shared/core/sweep.ts'

const drops = 'shared/core/drops.ts'
const process = 'shared/core/process-asset.ts'

/** Runs in which files come in, and everything that can happen to the word of it does. */
const bringing: ProfileOverride = {
  name: 'storm',
  isCalm: false,
  rebuild: 'none',
  loseFeedEvents: 0,
  longOutage: false,
  objects: true,
  uploads: true,
  objectEventFaults: true,
  crash: 60,
}

const decaying = { isCalm: false, objects: true, corruption: 6, capacity: 0, longOutage: false } as const

/** Mistakes in how bytes follow their records. */
export const objectBugs: readonly PlantedBug[] = [
  {
    name: 'copied bytes are not verified',
    file: copy,
    find: 'if (sha256 === digestOfKey(key) && found.bytes === bytes && (!crc || crc === found.crc64nvme)) return',
    replace: 'if (sha256 !== digestOfKey(key) || found.bytes === bytes || crc) return',
  },
  {
    name: 'parts are joined unverified',
    file: parts,
    find: '    assertSame(digests)\n',
    replace: '',
    override: { isCalm: false, objects: true, corruption: 6 },
  },
  {
    name: 'what the store copied by itself is taken on trust',
    file: copy,
    find: '(!crc || crc === found.crc64nvme)',
    replace: '(!crc || found.sha256 === undefined || crc === found.crc64nvme)',
    override: { isCalm: false, objects: true, corruption: 6 },
  },
  {
    name: 'a copy whose message was lost is not sent again',
    file: sweep,
    find: 'copies: await sweepCopies(services, isPeerUp)',
    replace: 'copies: await Promise.resolve(Number(sweepCopies.length < 0 && isPeerUp))',
  },
  {
    name: 'an object is no longer missing before it has come',
    file: copy,
    find: 'if (!missing) return\n',
    replace: 'if (!missing) return\n  await services.siteStore.remove(missingPartition(target.key), target.key)\n',
    override: { isCalm: false, objects: true, crash: 20 },
  },
  {
    name: 'what was made on the way to an object is left beside it',
    file: process,
    find: '  await original.keep(objectKey, inspection.mediaType)\n',
    replace:
      '  await original.keep(`${objectKey}.part`, inspection.mediaType)\n' +
      '  await original.keep(objectKey, inspection.mediaType)\n',
    override: bringing,
  },
  {
    name: 'an original is kept under the name of another asset too',
    file: process,
    find: '  await original.keep(objectKey, inspection.mediaType)\n',
    replace:
      '  await original.keep(objectKeyOf(tenant, version, original.sha256), inspection.mediaType)\n' +
      '  await original.keep(objectKey, inspection.mediaType)\n',
    override: bringing,
  },
  {
    name: 'what is kept is what lies there by then, not what was verified',
    file: 'shared/core/keep-by-copy.ts',
    find: 'ifMatch: pinned.etag, ',
    replace: '',
    override: { ...bringing, opsPerClient: 40 },
  },
  {
    name: 'an object that failed once is forgotten',
    file: copy,
    find: '  const isHeld = await changeHeld(services, missing, (held) => ({\n    ...held,\n    attempts,',
    replace:
      '  await services.siteStore.remove(missingPartition(key), key)\n  const isHeld = await changeHeld(services, missing, (held) => ({\n    ...held,\n    attempts,',
  },
  {
    name: 'the message goes before the mark, and nothing is marked',
    file: missing,
    find: "const isNew = await services.siteStore.put({ partition: missingPartition(key), id: key, value }, { kind: 'absent' })",
    replace: 'const isNew = missingPartition(key) !== value.key',
  },
  {
    name: 'bytes are taken to be here before they are looked for',
    file: missing,
    find: 'if (!isRebuilt && (await areBytesHere(services, tenant, asset, media))) return\n',
    replace:
      'if (!isRebuilt && (await areBytesHere(services, tenant, asset, media))) return\n  await markHere(services, tenant, asset, media)\n',
  },
  {
    name: 'a rebuilt site does not look for its own objects',
    file: missing,
    find: "const isRebuilt = media.site === services.site && via === 'peer'",
    replace: "const isRebuilt = media.site === services.site && via === ('none' as string)",
    override: {
      name: 'wiped site',
      isCalm: false,
      rebuild: 'wipe',
      objects: true,
      thinkMsMax: 90_000,
      longOutage: false,
    },
  },
  {
    name: 'an event says what became of the file, not the store',
    file: drops,
    find: 'found ? await adopt(services, drop, found)',
    replace: "found && event.change === 'created' ? await adopt(services, drop, found)",
    override: bringing,
  },
  {
    name: 'a file that was removed leaves its asset when a run had died over it',
    file: drops,
    find: 'return source ? source.site === services.site && source.key === key : isFromHere(services, found)',
    replace: 'return source !== undefined && source.key !== key',
    override: bringing,
  },
  {
    name: 'a file that is dropped again leaves the mark of its removal until it is settled',
    file: drops,
    find: 'await settle(services, drop, begun)',
    replace: 'if (!settled) await settle(services, drop, begun)',
    override: { ...bringing, opsPerClient: 40, serviceOutages: true, filesPerSite: 1 },
  },
  {
    name: 'the mark of a settled file is written before its job',
    file: drops,
    find: 'await ensureJob(services, drop, found, media)\n',
    replace: 'await settle(services, drop, stateOf(found))\n  await ensureJob(services, drop, found, media)\n',
    override: bringing,
  },
  {
    name: 'a file that went while its asset is made is not looked for again',
    file: drops,
    find: 'live !== undefined || !!(await services.objects.head(key))',
    replace: 'live !== undefined || key !== undefined',
    override: { ...bringing, opsPerClient: 40, crash: 200, zombie: 40, throttle: 150, objectEventFaults: false },
  },
  {
    name: 'a restored site gives up what it had finished before',
    file: 'shared/core/process-source.ts',
    find: 'if (await hasPeerNews(services, mediaKey(ref.tenant, job.asset))) {',
    replace: 'if (ref.tenant === job.asset && (await hasPeerNews(services, mediaKey(ref.tenant, job.asset)))) {',
    override: {
      ...bringing,
      name: 'old snapshot',
      rebuild: 'snapshot',
      thinkMsMax: 20_000,
      opsPerClient: 40,
      capacity: 0,
    },
  },
  {
    name: 'a finished upload stays in the staging area',
    file: process,
    find: 'await removeStaged(services, job.source.key)',
    replace: 'await Promise.resolve(removeStaged.length)',
    override: bringing,
  },
  {
    name: 'an object is believed for what its store says of it',
    file: 'shared/core/mend-object.ts',
    find: 'if (here.sha256 === digestOfKey(key) && isNamed) return',
    replace: "if (info.metadata['sha256'] === digestOfKey(key)) return",
    override: decaying,
  },
  {
    name: 'a repair tells the other site nothing of its damaged objects',
    file: 'shared/core/operation-objects.ts',
    find: 'await ask(there, ',
    replace: 'await ask([], ',
    override: decaying,
  },
]
