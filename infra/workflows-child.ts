import { readdir, readFile } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { join } from 'node:path'

// The package is made for bundlers: it imports its schema as JSON and does not say so.
registerHooks({
  resolve: (name, context, next) => {
    const found = next(name, context)
    return name.endsWith('.json') ? { ...found, importAttributes: { type: 'json' } } : found
  },
})
const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await import('@actions/workflow-parser')

const root = process.argv[2] ?? ''
const folder = '.github/workflows'
const contentOf = (path: string): Promise<string> => readFile(join(root, path), 'utf8')
/** Workflows that others call. */
const called = {
  getFileContent: async (reference: object) => {
    const path = 'path' in reference ? String(reference.path) : ''
    return { name: path, content: await contentOf(path) }
  },
}

/** What GitHub's own parser says of a workflow: keys, expressions, contexts, inputs of those that it calls, needs. */
async function faultsOf(file: string): Promise<string[]> {
  const { context, value } = parseWorkflow({ name: file, content: await contentOf(file) }, new NoOperationTraceWriter())
  const whole = value && (await convertWorkflowTemplate(context, value, called, { fetchReusableWorkflowDepth: 1 }))
  const said = [
    ...context.errors.getErrors().map(({ message }) => message),
    ...(whole?.errors ?? []).map(({ Message }) => Message),
  ]
  return [...new Set(said)]
}

const files = (await readdir(join(root, folder)))
  .filter((name) => /\.ya?ml$/.test(name))
  .map((name) => `${folder}/${name}`)
const faults = await Promise.all(
  files.map(async (file) => (await faultsOf(file)).map((problem) => ({ file, problem }))),
)
process.stdout.write(JSON.stringify(faults.flat()))
