/** `npm run bench -- NAME`: figures of this machine, one JSON object a line. */
import { type Bench, helpOf, isMisunderstood } from './bench.ts'
import { coldBench } from './cold.ts'
import { filmBench } from './film.ts'
import { jobsBench } from './jobs.ts'
import { localBench } from './local.ts'
import { dataBench } from './media-data.ts'
import { mediaBench } from './media.ts'
import { objectsBench } from './objects.ts'
import { reconcileBench } from './reconcile.ts'
import { replicationBench } from './replication.ts'
import { uploadBench } from './upload.ts'
import { usersBench } from './users.ts'
import { videoBench } from './video.ts'

const benches: Readonly<Record<string, Bench>> = {
  cold: coldBench,
  data: dataBench,
  film: filmBench,
  jobs: jobsBench,
  local: localBench,
  media: mediaBench,
  objects: objectsBench,
  reconcile: reconcileBench,
  replication: replicationBench,
  upload: uploadBench,
  users: usersBench,
  video: videoBench,
}

const [name = '', ...args] = process.argv.slice(2)
const asked = benches[name]
if (!asked) {
  process.stderr.write(
    `Say what to measure: npm run bench -- ${Object.keys(benches).join(' | ')}; --help after it tells more\n`,
  )
  process.exit(name === '--help' ? 0 : 1)
}
if (args.includes('--help')) {
  process.stdout.write(`${helpOf(name, asked)}\n`)
  process.exit(0)
}
try {
  process.exit((await asked.measure(args)) ? 0 : 1)
} catch (error) {
  if (!isMisunderstood(error)) throw error
  process.stderr.write(`${error.message}\nnpm run bench -- ${name} --help tells what can be said.\n`)
  process.exit(1)
}
