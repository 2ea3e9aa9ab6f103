import { canonicalJson, type Json } from '../domain/json.ts'
import { keyText, type RecordState } from '../domain/record.ts'
import { compareVectors } from '../replication/vector.ts'
import type { BucketContent } from './bucket-reading.ts'
import { chunksOf } from './chunks.ts'
import { paced, type Step } from './operation-step.ts'
import { stateOf } from './record-history.ts'

/** Reads the records themselves at both sites: digests tell that two versions are the same, not that their contents are. */
export async function compareBodies(step: Step, contents: readonly BucketContent[]): Promise<void> {
  const { services, tally } = step
  for (const keys of chunksOf(contents.flatMap(({ entries }) => entries.map(({ key }) => key)))) {
    const ours = await services.records.getMany(keys)
    const theirs = await paced(
      step,
      (states) => ({ bytes: Buffer.byteLength(JSON.stringify(states)) }),
      () => services.peer.read(keys),
    )
    for (const [index, key] of keys.entries()) {
      const [a, b] = [ours[index], theirs[index]]
      if (!a || !b || compareVectors(a.vector, b.vector) !== 'equal') continue
      if (contentOf(a) === contentOf(b)) continue
      const detail =
        'Both sites hold the same version with different contents; nothing tells which is right. Write it anew to settle it.'
      tally.found({ kind: 'record-differs', what: keyText(key), detail })
    }
  }
}

const contentOf = (record: RecordState): string => {
  const { body, deleted, stamp, createdMs } = stateOf(record)
  return canonicalJson({ body, deleted, stamp, createdMs } satisfies Record<string, Json>)
}
