/**
 * Runs one query and ends: what it is to do comes as JSON on stdin, what it finds goes as JSON to stdout. It ends itself when
 * its time is over, or when it has taken more memory than it gets.
 */
import { text } from 'node:stream/consumers'
import { exitOutOfMemory, exitOutOfTime, type EngineRequest } from '../../shared/adapters/analytics-process.ts'
import { runQuery } from './query.ts'

/** Not all that DuckDB takes is under its own limit. */
const residentBytesMax = 640 * 1024 ** 2
const watchMs = 50

const { wallMsMax, ...request } = JSON.parse(await text(process.stdin)) as EngineRequest
setTimeout(() => process.exit(exitOutOfTime), wallMsMax).unref()
setInterval(() => {
  if (process.memoryUsage.rss() > residentBytesMax) process.exit(exitOutOfMemory)
}, watchMs).unref()
const found = await runQuery(request)
process.stdout.write(JSON.stringify(found), () => process.exit(0))
