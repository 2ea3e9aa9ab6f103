/** `npm run bench -- local`: figures of this machine, one JSON object a line. */
import { benchLocal } from './local.ts'

const benches: Readonly<Record<string, () => Promise<boolean>>> = { local: benchLocal }
const [name = ''] = process.argv.slice(2)
const bench = benches[name]
if (bench === undefined) {
  process.stderr.write(`Say what to measure: npm run bench -- ${Object.keys(benches).join(' | ')}\n`)
  process.exit(1)
}
process.exit((await bench()) ? 0 : 1)
