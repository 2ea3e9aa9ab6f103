import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { Node } from 'web-tree-sitter'
import { evaluate, evaluateFor, only, type Scope } from './expression.ts'
import { type Parameter, parameterOf, valueProblem } from './parameters.ts'
import { lineOf, parseBicep, syntaxErrors } from './syntax.ts'
import { type Fields, isFields, Resource, type Value } from './value.ts'

export interface Problem {
  readonly file: string
  readonly line: number
  readonly text: string
}

/** What a template would deploy, and what a compiler would refuse. */
export interface Deployment {
  readonly resources: readonly Resource[]
  readonly outputs: Fields
  readonly problems: readonly Problem[]
}

interface Run {
  readonly root: string
  /** Trees by path, parsed beforehand, since parsing has to be awaited. */
  readonly trees: ReadonlyMap<string, Node>
  readonly resources: Resource[]
  readonly problems: Problem[]
}

/** Works out a Bicep file with all its modules. `file` is relative to `root`; names the files that cannot be read as problems. */
export async function deploy(root: string, file: string, parameters: Fields): Promise<Deployment> {
  const trees = new Map<string, Node>()
  const problems: Problem[] = []
  await readAll(root, file, trees, problems)
  const run: Run = { root, trees, resources: [], problems }
  const outputs = trees.has(file) ? new Template(run, file, parameters).deploy() : {}
  return { resources: run.resources, outputs, problems }
}

async function readAll(root: string, file: string, trees: Map<string, Node>, problems: Problem[]): Promise<void> {
  if (trees.has(file)) return
  const text = await readFile(join(root, file), 'utf8').catch(() => '')
  if (text === '') problems.push({ file, line: 1, text: 'there is no such file' })
  const tree = await parseBicep(text)
  trees.set(file, tree)
  for (const { line, near } of syntaxErrors(tree)) problems.push({ file, line, text: `not Bicep near "${near}"` })
  for (const node of tree.namedChildren) {
    if (node.type === 'module_declaration') await readAll(root, moduleFile(file, node), trees, problems)
  }
}

const named = (node: Node, type: string): Node | undefined => node.namedChildren.find((child) => child.type === type)
const nameOf = (node: Node): string => named(node, 'identifier')?.text ?? ''
const quoted = (node: Node): string => named(node, 'string')?.text.slice(1, -1) ?? ''
const moduleFile = (file: string, node: Node): string => join(dirname(file), quoted(node))
const bodyOf = (node: Node): Node => {
  const body = node.namedChildren.at(-1)
  if (!body) throw new Error(`Line ${lineOf(node)}: a declaration without a body`)
  return body
}

interface Symbol {
  readonly kind: string
  readonly node: Node
  readonly read: () => Value
}

/** The names that expressions use, wherever they stand; not those of an object's members. */
function namesIn(node: Node): string[] {
  if (node.type === 'identifier') return [node.text]
  const inner = node.namedChildren
  const isMember = node.type === 'object_property' && inner[0]?.type === 'identifier'
  return (isMember ? inner.slice(1) : inner).flatMap(namesIn)
}

/** One file with its own names. */
class Template {
  readonly #run: Run
  readonly #file: string
  readonly #given: Fields
  readonly #symbols = new Map<string, Symbol>()
  readonly #within = new Map<Resource, readonly Resource[]>()
  readonly #scope: Scope

  constructor(run: Run, file: string, given: Fields) {
    this.#run = run
    this.#file = file
    this.#given = given
    this.#scope = {
      lookUp: (name, node) => this.#lookUp(name, node),
      load: (path, node) => this.#load(path, node),
      problem: (node, text) => this.#problem(node, text),
      nested: () => undefined,
    }
  }

  /** Every declaration, in whatever order they stand; the outputs. */
  deploy(): Fields {
    const nodes = this.#run.trees.get(this.#file)?.namedChildren ?? []
    const outputs: Node[] = []
    for (const [index, node] of nodes.entries()) {
      const decorators = nodes[index - 1]?.type === 'decorators' ? nodes[index - 1] : undefined
      if (node.type === 'parameter_declaration') this.#declareParameter(node, decorators)
      else if (node.type === 'variable_declaration') this.#declare(node, () => evaluate(bodyOf(node), this.#scope))
      else if (node.type === 'resource_declaration') this.#declare(node, () => this.#resources(node))
      else if (node.type === 'module_declaration') this.#declare(node, () => this.#module(node))
      else if (node.type === 'output_declaration') outputs.push(node)
    }
    for (const name of Object.keys(this.#given)) {
      if (this.#symbols.get(name)?.kind !== 'parameter_declaration') this.#problemAt(1, `there is no parameter ${name}`)
    }
    for (const { read } of this.#symbols.values()) read()
    const made = Object.fromEntries(outputs.map((node) => [nameOf(node), evaluate(bodyOf(node), this.#scope)]))
    const used = new Set(nodes.flatMap((node) => (node.namedChildCount > 1 ? namesIn(bodyOf(node)) : [])))
    for (const [name, { kind, node }] of this.#symbols) {
      if (!used.has(name) && /^(parameter|variable)/.test(kind)) this.#problem(node, `${name} is never used`)
    }
    return made
  }

  #declare(node: Node, make: () => Value): void {
    const name = nameOf(node)
    if (this.#symbols.has(name)) this.#problem(node, `${name} is declared twice`)
    let made: { readonly value: Value } | undefined
    let isMaking = false
    const read = (): Value => {
      if (made) return made.value
      if (isMaking) {
        this.#problem(node, `${name} needs itself`)
        return null
      }
      isMaking = true
      made = { value: this.#attempt(node, make) }
      return made.value
    }
    this.#symbols.set(name, { kind: node.type, node, read })
  }

  /** What the grammar took for something else cannot be worked out. */
  #attempt(node: Node, make: () => Value): Value {
    try {
      return make()
    } catch (error) {
      this.#problem(node, (error as Error).message)
      return null
    }
  }

  #declareParameter(node: Node, decorators: Node | undefined): void {
    const parameter: Parameter = parameterOf(node, decorators, this.#scope)
    this.#declare(node, () => {
      const value = this.#given[parameter.name] ?? parameter.fallback?.()
      const wrong = valueProblem(parameter, value)
      if (wrong) this.#problem(node, wrong)
      return value ?? null
    })
  }

  /** One resource, or a list of them where the declaration is a loop. */
  #resources(node: Node): Value {
    return this.#bodies(node, (body, scope) => this.#resource(node, body, scope))
  }

  /** Unwraps loops and conditions. What is left out by a condition can still be named. */
  #bodies(node: Node, make: (body: Node, scope: Scope) => Resource): Value {
    const each = (body: Node, scope: Scope): Resource => {
      if (body.type !== 'if_statement') return this.#keep(make(body, scope), node)
      const [condition, inner] = [only(body), body.namedChildren.at(-1) ?? body]
      const made = make(inner, scope)
      return evaluate(condition, scope) ? this.#keep(made, node) : made
    }
    const body = bodyOf(node)
    return body.type === 'for_statement' ? evaluateFor(body, this.#scope, each) : each(body, this.#scope)
  }

  #keep(resource: Resource, node: Node): Resource {
    const kept = node.type === 'resource_declaration' ? [resource] : (this.#within.get(resource) ?? [])
    this.#run.resources.push(...kept)
    return resource
  }

  #resource(node: Node, body: Node, scope: Scope, outer?: Resource): Resource {
    const [type = '', version] = quoted(node).split('@')
    const children: Node[] = []
    const fields = evaluate(body, { ...scope, nested: (child) => children.push(child) }) as Fields
    const resource = new Resource({
      symbol: nameOf(node),
      type: outer ? `${outer.type}/${type}` : type,
      apiVersion: version ?? outer?.apiVersion ?? '',
      file: this.#file,
      line: lineOf(node),
      existing: node.children.some((child) => child.type === 'existing'),
      body: outer ? { ...fields, parent: outer } : fields,
    })
    for (const child of children) this.#bodies(child, (inner, at) => this.#resource(child, inner, at, resource))
    return resource
  }

  #module(node: Node): Value {
    return this.#bodies(node, (body, scope) => {
      const fields = evaluate(body, scope) as Fields
      const file = moduleFile(this.#file, node)
      const given = isFields(fields['params']) ? fields['params'] : {}
      const resources: Resource[] = []
      const outputs = new Template({ ...this.#run, resources }, file, given).deploy()
      const facts = { symbol: nameOf(node), type: 'module', apiVersion: '', file: this.#file, line: lineOf(node) }
      const module = new Resource({ ...facts, existing: false, body: { ...fields, outputs } })
      this.#within.set(module, resources)
      return module
    })
  }

  #lookUp(name: string, node: Node): Value {
    const symbol = this.#symbols.get(name)
    if (!symbol) {
      this.#problem(node, `${name} is not declared`)
      return null
    }
    return symbol.read()
  }

  #load(path: string, node: Node): string {
    try {
      return readFileSync(join(this.#run.root, dirname(this.#file), path), 'utf8')
    } catch {
      this.#problem(node, `there is no file ${relative('.', join(dirname(this.#file), path))}`)
      return '{}'
    }
  }

  #problem(node: Node, text: string): void {
    this.#problemAt(lineOf(node), text)
  }

  #problemAt(line: number, text: string): void {
    const [file, { problems }] = [this.#file, this.#run]
    const isKnown = problems.some((other) => other.file === file && other.line === line && other.text === text)
    if (!isKnown) problems.push({ file, line, text })
  }
}
