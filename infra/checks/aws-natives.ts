import { parse } from 'yaml'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

/** What the zip of a function must take along beside its bundle: binaries cannot be bundled. */
const natives = 'dist/node_modules/**'
/** Where `npm run build:ffmpeg` puts what Lambda runs. */
const program = 'dist/ffmpeg/linux-arm64'

interface Declared {
  readonly functions?: Readonly<Record<string, { readonly package?: { readonly patterns?: readonly string[] } }>>
}

/** That the function which converts has sharp, and no other carries it. */
export async function checkAwsNatives(sources: Sources): Promise<Finding[]> {
  const { functions = {} } = parse(await sources.text('serverless.yml')) as Declared
  const finding = (problem: string, cure: string): Finding => ({
    file: 'serverless.yml',
    rule: 'aws/native-files',
    problem,
    cure,
  })
  const path = (parse(await sources.text('aws/infra/ffmpeg-on.yml')) as { FFMPEG_PATH?: string }).FFMPEG_PATH
  const isFound = path === `/var/task/${program}/bin/ffmpeg`
  const lost = isFound ? [] : [finding('FFMPEG_PATH names no file of the zip', `name /var/task/${program}/bin/ffmpeg`)]
  return lost.concat(
    Object.entries(functions).flatMap(([name, { package: { patterns = [] } = {} }]) => {
      const isThere = patterns.includes(natives)
      const hasProgram = patterns.includes(`${program}/**`)
      if (name === 'job' && !hasProgram) return [finding('job has no ffmpeg', `add ${program}/** to its patterns`)]
      if (name === 'job') return isThere ? [] : [finding('job cannot load sharp', `add ${natives} to its patterns`)]
      return isThere ? [finding(`${name} carries sharp and does not use it`, `take ${natives} out`)] : []
    }),
  )
}
