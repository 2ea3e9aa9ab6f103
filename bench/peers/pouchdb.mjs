// One PouchDB replication, from memory to memory: prints {docs, seconds, peakMiB}. Arguments: how many documents.
import { readFileSync } from 'node:fs'
import PouchDB from 'pouchdb-core'
import memory from 'pouchdb-adapter-memory'
import replication from 'pouchdb-replication'

PouchDB.plugin(memory).plugin(replication)
const count = Number(process.argv[2])
const source = new PouchDB('source', { adapter: 'memory' })
const target = new PouchDB('target', { adapter: 'memory' })
const note = 'x'.repeat(200)
for (let start = 0; start < count; start += 1000) {
  const docs = Array.from({ length: Math.min(1000, count - start) }, (_, offset) => {
    const n = start + offset
    return { _id: `r${String(n).padStart(8, '0')}`, n, customer: `customer ${n % 97}`, note }
  })
  await source.bulkDocs(docs)
}
const began = performance.now()
const result = await PouchDB.replicate(source, target, { batch_size: 100 })
const seconds = (performance.now() - began) / 1000
const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))
process.stdout.write(JSON.stringify({ docs: result.docs_written, seconds, peakMiB: Number(kib) / 1024 }))
process.exit(result.docs_written === count ? 0 : 1)
