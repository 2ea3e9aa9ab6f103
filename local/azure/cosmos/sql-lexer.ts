import { badRequest } from './errors.ts'

export type TokenKind = 'word' | 'string' | 'number' | 'parameter' | 'symbol' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** The text as it stands, or the value of a string. */
  readonly text: string
  readonly start: number
  readonly end: number
}

const pattern =
  /(?<space>\s+|--[^\n]*)|(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<word>[A-Za-z_][A-Za-z0-9_]*)|(?<parameter>@[A-Za-z0-9_]+)|(?<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<symbol><=|>=|!=|<>|\|\||\?\?|[=<>+\-*/%(),.[\]{}:])/suy

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }

const unquote = (text: string): string =>
  text
    .slice(1, -1)
    .replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gsu, (_, hex: string | undefined, character: string | undefined) =>
      hex === undefined ? (escapes[character ?? ''] ?? character ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
    )

/** Cuts a query into tokens; white space and comments are dropped. Throws 400 on a character that belongs nowhere. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  pattern.lastIndex = 0
  let at = 0
  while (at < text.length) {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match === null) throw badRequest(`Syntax error, incorrect syntax near '${text.slice(at, at + 10)}'.`)
    const end = at + match[0].length
    const kind = (['number', 'word', 'parameter', 'string', 'symbol'] as const).find((name) => match.groups?.[name])
    if (kind !== undefined) {
      tokens.push({ kind, text: kind === 'string' ? unquote(match[0]) : match[0], start: at, end })
    }
    at = end
  }
  tokens.push({ kind: 'end', text: '', start: text.length, end: text.length })
  return tokens
}
