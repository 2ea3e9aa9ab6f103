import { html, prose, spans, type Html } from './html.ts'
import { notesOf, schemaTable, typeOf, type Schema } from './schema.ts'

type Content = Readonly<Record<string, { readonly schema?: Schema }>>

export interface Operation {
  readonly method: string
  readonly path: string
  readonly operationId: string
  readonly tags?: readonly string[]
  readonly summary: string
  readonly description?: string
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly description?: string
    readonly schema?: Schema
  }[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>
}

/** One operation: what it takes, what it answers, and how to call it. */
export function operationSection(operation: Operation, serverUrl: string): Html {
  const scope = operation.security?.[0]?.['bearer']?.[0]
  return html`<details class="op" id="${operation.operationId}"><summary><span class="method ${operation.method}">${operation.method}</span>
    <span class="path">${operation.path}</span><span class="what">${operation.summary}</span></summary><div class="inside">
    ${prose(operation.description)}
    <p><span class="tag">${scope ? `scope ${scope}` : 'no key needed'}</span></p>
    ${parametersTable(operation)}${requestSection(operation)}${responsesTable(operation)}
    <h4>Example</h4><pre><code>${curlOf(operation, serverUrl, scope !== undefined)}</code></pre></div></details>`
}

function parametersTable({ parameters = [] }: Operation): Html | undefined {
  if (parameters.length === 0) return undefined
  const rows = parameters.map(
    (
      each,
    ) => html`<tr><td><code>${each.name}</code>${each.required ? '' : ' ?'}</td><td>${each.in}</td><td>${typeOf(each.schema)}</td>
      <td>${notesOf(each.schema, each.description ?? each.schema?.description)}</td></tr>`,
  )
  return html`<h4>Parameters</h4><div class="scroll"><table><thead><tr><th>Name</th><th>In</th><th>Type</th><th></th></tr></thead>
    <tbody>${rows}</tbody></table></div>`
}

function requestSection({ requestBody }: Operation): Html | undefined {
  if (!requestBody) return undefined
  const contents = Object.entries(requestBody.content).map(
    ([mediaType, { schema }]) => html`<p><code>${mediaType}</code> ${spans(schema?.description ?? '')}</p>
      ${schema && (schema.$ref || schema.properties) ? schemaTable(schema) : undefined}`,
  )
  return html`<h4>Request content</h4>${contents}`
}

function responsesTable({ responses }: Operation): Html {
  const rows = Object.entries(responses).map(
    ([status, { description, content }]) => html`<tr><td><code>${status}</code></td><td>${spans(description)}</td>
      <td>${Object.values(content ?? {}).map(({ schema }) => typeOf(schema))}</td></tr>`,
  )
  return html`<h4>Answers</h4><div class="scroll"><table><tbody>${rows}</tbody></table></div>`
}

function curlOf(
  { method, path, requestBody, parameters = [] }: Operation,
  serverUrl: string,
  needsKey: boolean,
): string {
  const mediaType = Object.keys(requestBody?.content ?? {})[0]
  const needsMatch = parameters.some(({ name }) => name === 'If-Match') && ['put', 'patch', 'delete'].includes(method)
  const url = `${serverUrl}${path.replaceAll(/\{(.+?)\}/g, (_, name: string) => `$${name.toUpperCase()}`)}`
  return [
    `curl${method === 'get' ? '' : ` -X ${method.toUpperCase()}`}`,
    needsKey ? '-H "Authorization: Bearer $KEY"' : '',
    needsMatch ? `-H 'If-Match: *'` : '',
    mediaType ? `-H 'Content-Type: ${mediaType}' --data-binary @file` : '',
    `"${url}"`,
  ]
    .filter(Boolean)
    .join(' \\\n  ')
}
