import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'

export type Node = null | boolean | number | string | Node[] | { [name: string]: Node }
export type Mapping = { [name: string]: Node }

export interface TemplateOptions {
  /** The path of serverless.yml. */
  readonly file: string
  readonly stage: string
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface Resource {
  readonly Type: string
  readonly Properties: Mapping
}

/** A serverless.yml with its `${...}` variables resolved; CloudFormation's own functions are still in it. */
export interface Template {
  readonly service: string
  readonly provider: Mapping
  readonly functions: Readonly<Record<string, Mapping>>
  readonly resources: Readonly<Record<string, Resource>>
  /** What is used for each parameter when whoever deploys says nothing. */
  readonly parameters: Readonly<Record<string, Node>>
}

/** `${self:a.b}`, `${sls:stage}`, `${opt:a, 'b'}`, `${env:A, 'b'}`, `${file(a.yml)}`, `${file(a.json):b.c}`, a file's name with such in it; `${AWS::X}` and `${Logical}` stay. */
const variable = /\$\{(?:(self|sls|opt|env):([^,}]+)|file\(([^)]+)\)(?::([\w.-]+))?)(?:,\s*('[^']*'|[^}]*))?\}/

export const isMapping = (node: Node | undefined): node is Mapping =>
  typeof node === 'object' && node !== null && !Array.isArray(node)

/** The member at a path of names. */
export const at = (node: Node | undefined, ...path: string[]): Node | undefined =>
  path.reduce<Node | undefined>((inner, name) => (isMapping(inner) ? inner[name] : undefined), node)

/** A plain value as text. Throws for a list, a mapping and what is not there. */
export function textOf(node: Node | undefined): string {
  if (node === null || node === undefined) throw new Error('The template has no value where it needs one')
  if (typeof node === 'object') throw new Error(`The template has ${JSON.stringify(node)} where it needs a plain value`)
  return String(node)
}

/** Reads the template that deploys. Throws when a variable of it has no value. */
export function loadTemplate(options: TemplateOptions): Template {
  const root = parse(readFileSync(options.file, 'utf8')) as Mapping
  const resolve = (node: Node): Node => {
    if (typeof node === 'string') return resolveText(node)
    if (Array.isArray(node)) return node.map(resolve)
    if (!isMapping(node)) return node
    return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, resolve(value)]))
  }
  const resolveText = (text: string): Node => {
    const match = variable.exec(text)
    if (!match) return text
    const value = valueOf(match)
    if (match[0] === text) return resolve(value)
    return resolveText(text.replace(match[0], () => textOf(value)))
  }
  const valueOf = ([whole, kind, name = '', file, place, fallback]: RegExpExecArray): Node => {
    if (file !== undefined) return contentOf(join(dirname(options.file), textOf(resolve(file))), place)
    const found = lookUp(root, kind ?? '', name.trim(), options)
    if (found !== undefined) return found
    if (fallback === undefined) throw new Error(`${options.file}: ${whole} has no value`)
    return fallback.trim().replace(/^'(.*)'$/, '$1')
  }
  const resolved = resolve(root) as Mapping
  const parts = [resolved.resources ?? []].flat().filter(isMapping)
  return {
    service: textOf(resolved.service),
    provider: resolved.provider as Mapping,
    functions: resolved.functions as Record<string, Mapping>,
    resources: Object.assign({}, ...parts.map((part) => part.Resources ?? {})) as Record<string, Resource>,
    parameters: Object.fromEntries(
      parts.flatMap((part) =>
        Object.entries(isMapping(part.Parameters) ? part.Parameters : {}).map(([id, each]) => [
          id,
          at(each, 'Default') ?? '',
        ]),
      ),
    ),
  }
}

function contentOf(path: string, place: string | undefined): Node {
  const whole = parse(readFileSync(path, 'utf8')) as Node
  if (place === undefined) return whole
  const found = at(whole, ...place.split('.'))
  if (found === undefined) throw new Error(`${path} has nothing at ${place}`)
  return found
}

function lookUp(root: Mapping, kind: string, name: string, { stage, env }: TemplateOptions): Node | undefined {
  if (kind === 'sls') return name === 'stage' ? stage : undefined
  if (kind === 'env') return env[name]
  if (kind === 'opt') return name === 'stage' ? stage : undefined
  return name.split('.').reduce<Node | undefined>((node, part) => (isMapping(node) ? node[part] : undefined), root)
}

/** What a resource's logical name stands for. */
export interface Scope {
  ref(logicalId: string): string
  attribute(logicalId: string, name: string): string
}

/** Works out Ref, Fn::GetAtt, Fn::Sub, Fn::Join and Fn::Split. */
export function evaluate(node: Node, scope: Scope): Node {
  if (Array.isArray(node)) return node.filter(isSomething).map((item) => evaluate(item, scope))
  if (!isMapping(node)) return node
  const [[name, value] = ['', null], ...others] = Object.entries(node)
  if (others.length > 0) return evaluateMembers(node, scope)
  if (name === 'Ref') return scope.ref(textOf(value))
  if (name === 'Fn::GetAtt') {
    const [id = '', attribute = ''] = Array.isArray(value) ? value.map(textOf) : textOf(value).split('.')
    return scope.attribute(id, attribute)
  }
  if (name === 'Fn::Sub') return substitute(textOf(value), scope)
  if (name === 'Fn::Join' && Array.isArray(value)) {
    const [separator, items] = value
    return (evaluate(items ?? [], scope) as Node[]).map(textOf).join(textOf(separator))
  }
  if (name === 'Fn::Split' && Array.isArray(value)) {
    const [separator, text] = value
    return textOf(evaluate(text ?? '', scope)).split(textOf(separator))
  }
  return evaluateMembers(node, scope)
}

/** CloudFormation leaves out what is `AWS::NoValue`. */
const isSomething = (node: Node): boolean => at(node, 'Ref') !== 'AWS::NoValue'

const evaluateMembers = (node: Mapping, scope: Scope): Mapping =>
  Object.fromEntries(
    Object.entries(node)
      .filter(([, value]) => isSomething(value))
      .map(([name, value]) => [name, evaluate(value, scope)]),
  )

const substitute = (text: string, scope: Scope): string =>
  text.replace(/\$\{([^}!]+)\}/g, (_, reference: string) => {
    const [id = '', attribute] = reference.split('.')
    return attribute === undefined ? scope.ref(id) : scope.attribute(id, attribute)
  })
