import { posix } from 'node:path'
import { parseSync } from 'oxc-parser'

export interface SourceFile {
  /** Relative to the root, with slashes. */
  readonly path: string
  readonly text: string
}

export interface Violation {
  readonly rule: string
  readonly path: string
  readonly line: number
  readonly detail: string
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

const handlerLinesMax = 40
const functionLinesMax = 70
const fileLinesMax = 300

const sdk =
  /^(@aws-sdk|@smithy|@azure|@middy|aws-sdk|aws-lambda|@types\/aws-lambda|hono\/(aws-lambda|lambda-edge))(\/|$)/
const deployed = /^(shared|aws|azure)\//
const notDeployed = /^(local|test|bench|scripts|cli|client|console|examples)\//
/** What the simulator runs: time, chance, waiting and the network come by ports alone. */
const pure = /^shared\/(core|replication|domain)\//
const pastThePorts = /^(node:)?(timers(\/.*)?|net|tls|dgram|dns(\/.*)?|https?|http2|child_process|perf_hooks)$/
/** Where programs are started, under limits; and what starts them. */
const programStarter = 'shared/process/bounded-process.ts'
const startsPrograms = /^(node:)?(child_process|worker_threads|cluster)$/
/** Where the API's schemas get their language; anywhere else a bundle would hold another zod, or all of it. */
const schemaLanguage = 'shared/http/zod.ts'
const drawn = ['randomUUID', 'randomBytes', 'randomInt', 'randomFill', 'randomFillSync', 'getRandomValues']
const clocksAndTimers = ['setTimeout', 'setInterval', 'setImmediate', 'performance', 'hrtime']
/** Files that Jest loads for what they export by default. */
const namedByJest = ['jest.config.ts', 'test/serial-runner.ts']
const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config))?\.ts$/

/** Every rule on one file. Rules over several files are below. */
export function violationsIn(file: SourceFile): Violation[] {
  const found: Violation[] = []
  const lineOf = (offset: number): number => file.text.slice(0, offset).split('\n').length
  const report = (rule: string, offset: number, detail: string): void => {
    found.push({ rule, path: file.path, line: lineOf(offset), detail })
  }
  const { program, errors } = parseSync(file.path, file.text)
  if (errors.length > 0) report('parses', 0, errors[0]?.message ?? '')
  checkText(file, report)
  const root = program as unknown as Node
  const harmless = new WeakSet<Node>()
  checkBarrel(root, report)
  visit(root, (node) => {
    checkImport(file.path, node, report)
    checkEnvironment(file.path, node, report, harmless)
    checkSyntax(file.path, node, report)
    checkPorts(file.path, node, report)
    checkFunction(file.path, node, report, (from, to) => lineOf(to) - lineOf(from) + 1)
  })
  return found
}

type Report = (rule: string, offset: number, detail: string) => void

function visit(node: Node, look: (node: Node) => void): void {
  look(node)
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child, look)
  }
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'

function checkText({ path, text }: SourceFile, report: Report): void {
  const lines = text.replace(/\n$/, '').split('\n').length
  if (lines > fileLinesMax) report('file-lines', text.length, `${lines} lines, at most ${fileLinesMax}`)
  if (/^(aws|azure)\/handlers\//.test(path) && lines > handlerLinesMax) {
    report('handler-lines', text.length, `${lines} lines, at most ${handlerLinesMax}`)
  }
  if (!kebabCase.test(posix.basename(path))) report('kebab-case', 0, posix.basename(path))
  // Written so that this line does not find itself.
  const unfinished = /\b(TO[D]O|FIX[M]E)\b/.exec(text)
  if (unfinished) report('unfinished', unfinished.index, unfinished[0])
}

/** A file that only passes on what lies elsewhere hides where things live. */
function checkBarrel(program: Node, report: Report): void {
  const body = program.body as Node[]
  const passesOn = (node: Node): boolean =>
    node.type === 'ExportAllDeclaration' || (node.type === 'ExportNamedDeclaration' && isNode(node.source))
  if (body.length > 0 && body.every(passesOn)) report('barrel', 0, 'only re-exports')
}

/** The module a node names: import, export from, dynamic import, import type, require. */
function moduleNamed(node: Node): string | undefined {
  const named = [
    'ImportDeclaration',
    'ExportNamedDeclaration',
    'ExportAllDeclaration',
    'ImportExpression',
    'TSImportType',
    'TSExternalModuleReference',
  ].includes(node.type)
  const source = named ? (node.source ?? node.argument ?? node.expression) : undefined
  if (isNode(source) && typeof source.value === 'string') return source.value
  const callee = node.type === 'CallExpression' && isNode(node.callee) ? node.callee : undefined
  const argument = (node.arguments as Node[] | undefined)?.[0]
  const isRequire = callee?.type === 'Identifier' && callee.name === 'require'
  return isRequire && typeof argument?.value === 'string' ? argument.value : undefined
}

function checkImport(path: string, node: Node, report: Report): void {
  const name = moduleNamed(node)
  if (name === undefined) return
  const target = name.startsWith('.') ? posix.join(posix.dirname(path), name) : name
  if (path.startsWith('shared/') && sdk.test(name)) report('sdk-in-shared', node.start, name)
  if (path.startsWith('aws/') && target.startsWith('azure/')) report('clouds-apart', node.start, name)
  if (path.startsWith('azure/') && target.startsWith('aws/')) report('clouds-apart', node.start, name)
  if (path.startsWith('shared/') && /^(aws|azure)\//.test(target)) report('shared-below', node.start, name)
  if (deployed.test(path) && notDeployed.test(target)) report('deployed-alone', node.start, name)
  if (deployed.test(path) && path !== schemaLanguage && takesAllOfZod(node, name))
    report('all-of-zod', node.start, name)
  if (deployed.test(path) && startsPrograms.test(name) && path !== programStarter) {
    report('unbounded-process', node.start, name)
  }
  if (deployed.test(path) && !/^(aws|azure)\/config\.ts$/.test(path) && /^(node:)?process$/.test(name)) {
    report('environment', node.start, name)
  }
}

/** `z` as an object, which cannot be taken apart. */
const takesAllOfZod = (node: Node, name: string): boolean =>
  (name === 'zod' || name === '@hono/zod-openapi') &&
  node.type === 'ImportDeclaration' &&
  (node.specifiers as Node[]).some(
    (each) => each.type === 'ImportDefaultSpecifier' || (isNode(each.imported) && each.imported.name === 'z'),
  )

const isIdentifier = (node: unknown, name: string): boolean =>
  isNode(node) &&
  ((node.type === 'Identifier' && node.name === name) || (node.type === 'Literal' && node.value === name))

/** `process`, or the member of that name that the global object has. */
const isProcess = (node: unknown): node is Node =>
  isNode(node) &&
  ((node.type === 'Identifier' && node.name === 'process') ||
    (node.type === 'MemberExpression' &&
      isIdentifier(node.property, 'process') &&
      ['globalThis', 'global', 'self'].some((name) => isIdentifier(node.object, name))))

/** Names that merely look like it: of a member, of a property, of a method. */
function nameIn(node: Node): unknown {
  const hasKey = ['Property', 'MethodDefinition', 'PropertyDefinition', 'TSPropertySignature', 'TSMethodSignature']
  if (node.computed === true) return undefined
  if (node.type === 'MemberExpression') return node.property
  return hasKey.includes(node.type) ? node.key : undefined
}

/**
 * Only the two config files of the deployed code read the environment, however it is spelt. What takes `process` itself,
 * to assign it, to take it apart or to hand it on, may read it elsewhere: nothing but its plain members is let pass.
 * `harmless` is what has been looked at as a part of its parent.
 */
function checkEnvironment(path: string, node: Node, report: Report, harmless: WeakSet<Node>): void {
  if (!deployed.test(path) || /^(aws|azure)\/config\.ts$/.test(path)) return
  const name = nameIn(node)
  if (isNode(name)) harmless.add(name)
  if (node.type === 'MemberExpression') {
    const isKnown = node.computed !== true || (isNode(node.property) && node.property.type === 'Literal')
    const isEnvironment = isIdentifier(node.property, 'env')
    const ofProcess = isNode(node.object) && (isProcess(node.object) || isMemberNamed(node.object, 'process'))
    if (ofProcess && isEnvironment) report('environment', node.start, 'process.env')
    if (isProcess(node.object) && (isKnown || isEnvironment)) harmless.add(node.object)
  }
  const isTakenOut = node.type === 'ObjectPattern' && (node.properties as Node[]).some(({ key }) => isProcess(key))
  if (isTakenOut || (isProcess(node) && !harmless.has(node))) report('environment', node.start, 'process itself')
}

const isMemberNamed = (node: Node, name: string): boolean =>
  node.type === 'MemberExpression' && isIdentifier(node.property, name)

function checkSyntax(path: string, node: Node, report: Report): void {
  if (node.type === 'ExportDefaultDeclaration' && !namedByJest.includes(path)) report('default-export', node.start, '')
  if (node.type === 'TSEnumDeclaration') report('enum', node.start, '')
  if (node.type === 'TSModuleDeclaration') report('namespace', node.start, '')
  if (node.type === 'TSAnyKeyword') report('any', node.start, '')
  if (node.type === 'TSParameterProperty') report('parameter-property', node.start, '')
  const member = node.type === 'MemberExpression' ? node.property : undefined
  if (path.startsWith('test/') && (isIdentifier(member, 'skip') || isIdentifier(member, 'only'))) {
    report('unfinished', node.start, 'a test that is left out')
  }
}

/** Code that the simulator runs a seed of neither looks at a clock nor draws by lot nor waits nor reaches out by itself. */
function checkPorts(path: string, node: Node, report: Report): void {
  if (!pure.test(path)) return
  const name = moduleNamed(node)
  if (name !== undefined && pastThePorts.test(name)) report('past-the-ports', node.start, name)
  const isCalled = ['NewExpression', 'CallExpression'].includes(node.type) && isIdentifier(node.callee, 'Date')
  if (isCalled && (node.arguments as Node[]).length === 0)
    report('past-the-ports', node.start, 'Date without arguments')
  for (const [owner, member] of [
    ['Date', 'now'],
    ['Math', 'random'],
  ] as const) {
    if (isMemberOf(node, owner, member)) report('past-the-ports', node.start, `${owner}.${member}`)
  }
  const used = node.type === 'Identifier' && [...drawn, ...clocksAndTimers].find((each) => each === node.name)
  if (used) report('past-the-ports', node.start, used)
}

/** Spelt with a dot, with brackets, or taken out of its owner. */
function isMemberOf(node: Node, owner: string, member: string): boolean {
  if (node.type === 'MemberExpression') return isIdentifier(node.object, owner) && isIdentifier(node.property, member)
  if (node.type !== 'VariableDeclarator' || !isIdentifier(node.init, owner) || !isNode(node.id)) return false
  const taken = (node.id.properties ?? []) as Node[]
  return taken.some(({ key }) => isIdentifier(key, member))
}

function checkFunction(path: string, node: Node, report: Report, linesOf: (from: number, to: number) => number): void {
  const isFunction = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'].includes(node.type)
  // A suite is one function that holds its tests.
  if (!isFunction || path.startsWith('test/')) return
  const lines = linesOf(node.start, node.end)
  if (lines > functionLinesMax) report('function-lines', node.start, `${lines} lines, at most ${functionLinesMax}`)
}

/** What may differ between the two cloud folders: the templates, each in its cloud's own language. */
const ownLanguage = /^(aws|azure)\/infra\//

/** Both cloud folders list the same files. */
export function asymmetries(paths: readonly string[]): Violation[] {
  const inCloud = (cloud: string): Set<string> =>
    new Set(
      paths
        .filter((path) => path.startsWith(`${cloud}/`) && !ownLanguage.test(path))
        .map((path) => path.slice(cloud.length + 1)),
    )
  const [aws, azure] = [inCloud('aws'), inCloud('azure')]
  const missing = (cloud: string, names: Set<string>, other: Set<string>): Violation[] =>
    [...names]
      .filter((name) => !other.has(name))
      .map((name) => ({ rule: 'same-files', path: `${cloud}/${name}`, line: 1, detail: 'has no twin' }))
  return [...missing('aws', aws, azure), ...missing('azure', azure, aws)]
}
