import type { Finding } from '../finding.ts'
import type { Nag } from '../nag/look.ts'
import { type Suppression, suppressions } from '../nag/suppressions.ts'
import type { Sources } from '../sources.ts'

const writtenIn = 'infra/nag/suppressions.ts'

/** The packaged template as cdk-nag sees it, but for what is suppressed in writing. */
export async function checkAwsNag(sources: Sources): Promise<Finding[]> {
  const { path } = await sources.template()
  // Takes a second to load, and only here.
  const { nagsOf } = await import('../nag/look.ts')
  const { open, vain } = sorted(nagsOf(path), suppressions)
  const findings = open.map(async ({ rule, logicalId, says }) => ({
    file: await sources.fileOf(logicalId),
    rule: `nag/${rule}`,
    problem: `${logicalId}: ${says}`,
    cure: `mend it, or say in ${writtenIn} why it is right here`,
  }))
  return [
    ...(await Promise.all(findings)),
    ...vain.map(([rule, logicalId]) => ({
      file: writtenIn,
      rule: 'nag/suppressed-in-vain',
      problem: `${rule} says nothing of ${logicalId}`,
      cure: 'remove it, so that it hides nothing later',
    })),
  ]
}

/** What nobody suppressed, and what was suppressed though nothing says it: pairs of a rule and a logical id. */
export function sorted(
  nags: readonly Nag[],
  written: readonly Suppression[],
): { open: Nag[]; vain: (readonly [rule: string, logicalId: string])[] } {
  const pairs = written.flatMap(({ rule, logicalIds }) => logicalIds.map((logicalId) => [rule, logicalId] as const))
  const isPair = (nag: Nag, [rule, logicalId]: readonly [string, string]): boolean =>
    nag.rule === rule && nag.logicalId === logicalId
  return {
    open: nags.filter((nag) => !pairs.some((pair) => isPair(nag, pair))),
    vain: pairs.filter((pair) => !nags.some((nag) => isPair(nag, pair))),
  }
}
