import { createRequire } from 'node:module'
import { Language, type Node, Parser } from 'web-tree-sitter'

let parser: Promise<Parser> | undefined

async function makeParser(): Promise<Parser> {
  await Parser.init()
  const grammar = createRequire(import.meta.url).resolve('tree-sitter-bicep/tree-sitter-bicep.wasm')
  return new Parser().setLanguage(await Language.load(grammar))
}

/** The syntax tree of a Bicep file. What the grammar does not know stands in it as errors. */
export async function parseBicep(text: string): Promise<Node> {
  const tree = (await (parser ??= makeParser())).parse(text)
  if (!tree) throw new Error('The Bicep parser gave up')
  return tree.rootNode
}

/** The places in a tree that are not Bicep, or where something is missing. */
export function syntaxErrors(node: Node): { readonly line: number; readonly near: string }[] {
  const own = node.isError || node.isMissing ? [{ line: lineOf(node), near: node.text.split('\n', 1)[0] ?? '' }] : []
  return [...own, ...node.children.flatMap(syntaxErrors)]
}

export const lineOf = (node: Node): number => node.startPosition.row + 1
