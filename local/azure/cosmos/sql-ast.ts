import type { Json } from '../../../shared/domain/json.ts'

/** A step of a property path: a member name, or an array index. */
export type PathStep = string | number

export type BinaryOperator =
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'AND'
  | 'OR'
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '||'
  | '??'

export type Expression =
  | { readonly kind: 'literal'; readonly value: Json | undefined }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'path'; readonly root: string; readonly steps: readonly PathStep[] }
  | {
      readonly kind: 'binary'
      readonly operator: BinaryOperator
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'negate'; readonly operand: Expression }
  | {
      readonly kind: 'in'
      readonly operand: Expression
      readonly list: readonly Expression[]
      readonly negated: boolean
    }
  | { readonly kind: 'between'; readonly operand: Expression; readonly low: Expression; readonly high: Expression }
  | { readonly kind: 'like'; readonly operand: Expression; readonly pattern: Expression; readonly negated: boolean }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: 'array'; readonly items: readonly Expression[] }
  | { readonly kind: 'object'; readonly members: readonly { readonly name: string; readonly value: Expression }[] }

/** Where a piece of the query stands in its text, for rewriting. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface Projection {
  readonly name: string
  readonly value: Expression
  readonly span: Span
}

export type Selection =
  | { readonly kind: 'all' }
  | { readonly kind: 'value'; readonly value: Expression; readonly span: Span }
  | { readonly kind: 'list'; readonly items: readonly Projection[] }

export interface SortKey {
  readonly path: readonly PathStep[]
  readonly descending: boolean
  readonly span: Span
}

export interface Query {
  readonly text: string
  readonly alias: string
  readonly distinct: boolean
  readonly top: Expression | undefined
  readonly selection: Selection
  readonly where: { readonly condition: Expression; readonly span: Span } | undefined
  readonly orderBy: readonly SortKey[]
  readonly orderBySpan: Span | undefined
  readonly offset: Expression | undefined
  readonly limit: Expression | undefined
}
