/** Loads the bundle that is named on the command line and prints how many milliseconds that took. */
import Module, { createRequire } from 'node:module'

interface Loader {
  _load(id: string, ...rest: unknown[]): unknown
}

// The Functions host provides this module; loading it costs nothing here.
const functionsCore = {
  registerFunction: () => undefined,
  registerHook: () => undefined,
  setProgrammingModel: () => undefined,
  log: () => undefined,
}
const loader = Module as unknown as Loader
const load = loader._load.bind(Module)
loader._load = (id, ...rest) => (id === '@azure/functions-core' ? functionsCore : load(id, ...rest))

const [, , bundle = ''] = process.argv
const require = createRequire(import.meta.url)
const began = performance.now()
require(bundle)
process.stdout.write(`${performance.now() - began}\n`)
process.exit(0)
