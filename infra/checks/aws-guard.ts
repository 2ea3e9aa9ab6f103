import type { Finding } from '../finding.ts'
import { brokenIn, programFor } from '../guard/run.ts'
import type { Sources } from '../sources.ts'

/** The packaged template against our rules in `infra/guard`, by cfn-guard itself. */
export async function checkAwsGuard(sources: Sources): Promise<Finding[]> {
  const program = programFor()
  if (program === undefined) {
    // What was not looked at was not found to be well.
    const problem = `There is no cfn-guard for ${process.platform} on ${process.arch}, so its rules were not looked at`
    return [{ file: 'infra/guard', rule: 'guard/not-run', problem, cure: 'run it on Linux or macOS, x64 or arm64' }]
  }
  const { path } = await sources.template()
  const broken = await brokenIn(program, path, sources.path('infra/guard'))
  return Promise.all(
    broken.map(async ({ rule, logicalId, says, cure }) => ({
      file: await sources.fileOf(logicalId),
      rule: `guard/${rule}`,
      problem: [logicalId, says].filter((text) => text !== '').join(': '),
      cure: cure || 'see infra/guard',
    })),
  )
}
