import { Registry } from '../local/azure/functions-host/registry.ts'

const registry = new Registry()
await registry.load(process.argv[2] ?? '')
const registered = [...registry.functions.values()].map(({ metadata }) => metadata)
process.stdout.write(`registered ${JSON.stringify(registered)}\n`, () => process.exit(0))
