/** Damages copies of one format in a process that may crash or hang: see `fuzz.ts`. */
import { fuzzCopies } from './fuzz-copies.ts'

const [format = '', seed, from, copies] = process.argv.slice(2)
const range = { seed: Number(seed), from: Number(from), copies: Number(copies) }
for await (const outcome of fuzzCopies(format, range)) process.send?.(outcome)
