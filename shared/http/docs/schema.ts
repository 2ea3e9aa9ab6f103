import { html, spans, type Html } from './html.ts'

/** The parts of JSON Schema 2020-12 that our document uses. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly additionalProperties?: boolean | Schema
  readonly format?: string
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly default?: unknown
  readonly example?: unknown
}

const nameOf = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1)

/** A schema's type in a few words, with links to the named ones. */
export function typeOf(schema: Schema | undefined): Html {
  if (!schema) return html``
  if (schema.$ref) return html`<a href="#schema-${nameOf(schema.$ref)}">${nameOf(schema.$ref)}</a>`
  const choices = schema.oneOf ?? schema.anyOf
  if (choices) return joined(choices.map(typeOf), ' or ')
  if (schema.allOf) return joined(schema.allOf.map(typeOf), ' and ')
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`
  if (schema.enum)
    return joined(
      schema.enum.map((value) => html`<code>${String(value)}</code>`),
      ' ',
    )
  if (schema.items) return html`list of ${typeOf(schema.items)}`
  if (typeof schema.additionalProperties === 'object') return html`object of ${typeOf(schema.additionalProperties)}`
  const type = typeof schema.type === 'string' ? schema.type : (schema.type?.join(' or ') ?? 'any')
  return html`${type}${schema.format ? ` (${schema.format})` : ''}`
}

const joined = (parts: readonly Html[], separator: string): Html => ({
  html: parts.map((part) => part.html).join(separator),
})

/** Limits, default and description of a value. */
export function notesOf(schema: Schema | undefined, description = schema?.description): Html {
  const { minimum, maximum, maxLength, default: fallback } = schema ?? {}
  const limits = [
    minimum === undefined && maximum === undefined ? '' : `${minimum ?? ''} to ${maximum ?? ''}.`,
    maxLength === undefined ? '' : `At most ${maxLength} characters.`,
    fallback === undefined ? '' : `Default \`${JSON.stringify(fallback)}\`.`,
  ]
  return html`${spans([description, ...limits].filter(Boolean).join(' '))}`
}

/** The members of an object, or the choices of a union. */
export function schemaTable(schema: Schema): Html {
  if (schema.oneOf) return html`${schema.oneOf.map(schemaTable)}`
  if (schema.$ref || !schema.properties) return html`<p>${typeOf(schema)}</p>`
  const required = new Set(schema.required)
  const rows = Object.entries(schema.properties).map(
    ([
      name,
      member,
    ]) => html`<tr><td><code>${name}</code>${required.has(name) ? '' : ' ?'}</td><td>${typeOf(member)}</td>
      <td>${notesOf(member)}</td></tr>`,
  )
  return html`<div class="scroll"><table><thead><tr><th>Member</th><th>Type</th><th></th></tr></thead><tbody>${rows}</tbody></table></div>`
}
