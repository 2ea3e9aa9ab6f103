/** What a Bicep expression stands for, before anything is deployed. */
export type Value = null | boolean | number | string | readonly Value[] | Resource | Fields
export interface Fields {
  readonly [name: string]: Value
}

/** A resource or a module as a file declares it, its body worked out. */
export class Resource {
  readonly symbol: string
  /** With the types of its parents, such as `Microsoft.Storage/storageAccounts/queueServices/queues`. */
  readonly type: string
  readonly apiVersion: string
  readonly file: string
  readonly line: number
  /** Declared elsewhere; here only looked up. */
  readonly existing: boolean
  readonly body: Fields

  constructor(facts: Pick<Resource, 'symbol' | 'type' | 'apiVersion' | 'file' | 'line' | 'existing' | 'body'>) {
    this.symbol = facts.symbol
    this.type = facts.type
    this.apiVersion = facts.apiVersion
    this.file = facts.file
    this.line = facts.line
    this.existing = facts.existing
    this.body = facts.body
  }

  /** With the names of its parents, as Azure writes it. */
  get name(): string {
    const own = textOf(at(this.body, 'name') ?? '')
    return this.parent ? `${this.parent.name}/${own}` : own
  }

  get parent(): Resource | undefined {
    const { parent } = this.body
    return parent instanceof Resource ? parent : undefined
  }

  get id(): string {
    return `/providers/${this.type}/${this.name}`
  }

  /** The member of its body at a path of names. */
  at(...path: string[]): Value | undefined {
    return at(this.body, ...path)
  }
}

export const isFields = (value: Value | undefined): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Resource)

export const isList = (value: Value | undefined): value is readonly Value[] => Array.isArray(value)

export const at = (value: Value | undefined, ...path: string[]): Value | undefined =>
  path.reduce<Value | undefined>((inner, name) => (isFields(inner) ? inner[name] : undefined), value)

/** As text within another; a resource by its name. */
export function textOf(value: Value): string {
  if (value instanceof Resource) return value.name
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
