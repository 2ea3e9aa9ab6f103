import type { ContainerDefinition, IndexingPolicy } from '@azure/cosmos'

/** The service adds this path by itself. */
const ownPath = '/"_etag"/?'

export const samePartitionKey = (found: ContainerDefinition, wanted: ContainerDefinition): boolean =>
  keyText(found) === keyText(wanted)

/** True when the indexing policy and the default time to live of both mean the same. */
export const sameIndexing = (found: ContainerDefinition, wanted: ContainerDefinition): boolean =>
  found.defaultTtl === wanted.defaultTtl && policyText(found.indexingPolicy) === policyText(wanted.indexingPolicy)

const keyText = ({ partitionKey }: ContainerDefinition): string =>
  JSON.stringify([partitionKey?.paths, partitionKey?.kind ?? 'Hash'])

const pathsOf = (paths: readonly { readonly path: string }[] | undefined): string[] =>
  (paths ?? [])
    .map(({ path }) => path)
    .filter((path) => path !== ownPath)
    .toSorted()

function policyText(policy: IndexingPolicy | undefined): string {
  const composites = (policy?.compositeIndexes ?? []).map((index) =>
    index.map(({ path, order }) => `${path} ${order}`).join(', '),
  )
  return JSON.stringify([
    policy?.indexingMode ?? 'consistent',
    policy?.automatic ?? true,
    pathsOf(policy?.includedPaths),
    pathsOf(policy?.excludedPaths),
    composites.toSorted(),
  ])
}
