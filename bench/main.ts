/** `npm run bench -- NAME`: figures of this machine, one JSON object a line. */
import { benchCold } from './cold.ts'
import { benchFilm } from './film.ts'
import { benchJobs } from './jobs.ts'
import { benchLocal } from './local.ts'
import { benchData } from './media-data.ts'
import { benchMedia } from './media.ts'
import { benchObjects } from './objects.ts'
import { benchReconcile } from './reconcile.ts'
import { benchReplication } from './replication.ts'
import { benchUpload } from './upload.ts'
import { benchUsers } from './users.ts'
import { benchVideo } from './video.ts'

const benches: Readonly<Record<string, (args: readonly string[]) => Promise<boolean>>> = {
  cold: benchCold,
  data: benchData,
  film: benchFilm,
  jobs: benchJobs,
  local: benchLocal,
  media: benchMedia,
  objects: benchObjects,
  reconcile: benchReconcile,
  replication: benchReplication,
  upload: benchUpload,
  users: benchUsers,
  video: benchVideo,
}
const [name = '', ...args] = process.argv.slice(2)
const bench = benches[name]
if (bench === undefined) {
  process.stderr.write(`Say what to measure: npm run bench -- ${Object.keys(benches).join(' | ')}\n`)
  process.exit(1)
}
process.exit((await bench(args)) ? 0 : 1)
