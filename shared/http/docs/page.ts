import type { OpenApiDocument } from '../openapi.ts'
import type { ApiOptions } from '../options.ts'
import { problemCatalogue } from '../problem.ts'
import { html, prose, type Html } from './html.ts'
import { operationSection, type Operation } from './operation.ts'
import { schemaTable, type Schema } from './schema.ts'
import { docsStyle } from './style.ts'

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const

/** The style sheet goes in as it is: its hash stands in the page's policy. */
const page = (title: string, body: Html): string =>
  `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
  `<title>${title}</title><style>${docsStyle}</style></head><body>${body.html}</body></html>\n`

function operationsOf(document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method]
      return operation ? [{ method, path, ...operation } as unknown as Operation] : []
    }),
  )
}

/** The documentation as one page, made of nothing but the OpenAPI document. */
export function docsPage(document: OpenApiDocument): string {
  const operations = operationsOf(document)
  // Absolute links, since a gateway may put a stage in front of the path.
  const base = document.servers?.[0]?.url ?? ''
  const tags = (document.tags ?? []).map((tag) => ({
    ...tag,
    operations: operations.filter((operation) => operation.tags?.includes(tag.name)),
  }))
  const schemas = Object.entries(document.components?.schemas ?? {})
  const links = tags.map(
    (tag) =>
      html`<h2><a href="#${tag.name}">${tag.name}</a></h2><ul>${tag.operations.map(
        (operation) => html`<li><a href="#${operation.operationId}">${operation.summary}</a></li>`,
      )}</ul>`,
  )
  const sections = tags.map(
    (tag) =>
      html`<section id="${tag.name}"><h2>${tag.name}</h2>${prose(tag.description)}${tag.operations.map((operation) =>
        operationSection(operation, base),
      )}</section>`,
  )
  const servers = (document.servers ?? []).map(
    ({ url, description }) => html`<li><a href="${url}">${url}</a> <span class="dim">${description}</span></li>`,
  )
  const body = html`<div class="layout"><nav aria-label="Contents"><a href="${base}/"><strong>${document.info.title}</strong></a>${links}
    <h2>Reference</h2><ul><li><a href="#problems">Problems</a></li><li><a href="#schemas">Schemas</a></li>
    <li><a href="${base}/openapi.json">openapi.json</a></li></ul></nav>
    <main><h1>${document.info.title} API</h1>${prose(document.info.description)}<ul>${servers}</ul>${sections}
    ${problemsSection()}<section id="schemas"><h2>Schemas</h2>${schemas.map(([name, schema]) => schemaSection(name, schema as Schema))}
    </section></main></div>`
  return page(`${document.info.title} API`, body)
}

function problemsSection(): Html {
  const rows = problemCatalogue.map(
    ({ code, status, title }) =>
      html`<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}</td></tr>`,
  )
  return html`<section id="problems"><h2>Problems</h2>
    <p>Failures are <code>application/problem+json</code>. Go by <code>code</code>: it is stable, the texts are for people.</p>
    <div class="scroll"><table><thead><tr><th>Code</th><th>Status</th><th></th></tr></thead><tbody>${rows}</tbody></table></div></section>`
}

const schemaSection = (name: string, schema: Schema): Html =>
  html`<details class="schema" id="schema-${name}" open><summary><span class="path">${name}</span></summary>
    <div class="inside">${prose(schema.description)}${schemaTable(schema)}</div></details>`

/** What there is, for somebody who opens the base URL. */
export function indexPage(site: string, { publicUrl, peerUrl }: ApiOptions): string {
  const curl = `curl -H "Authorization: Bearer $KEY" ${publicUrl}/v1/assets`
  const body = html`<main class="card"><h1>Catamaran</h1>
    <p>One API on two clouds at the same time. This is the <strong>${site}</strong> site.</p>
    <ul><li><a href="${publicUrl}/docs">Documentation</a></li><li><a href="${publicUrl}/openapi.json">OpenAPI 3.1 document</a></li>
    <li><a href="${publicUrl}/v1/health/ready">Health of this site</a></li><li><a href="${peerUrl}/">The other site</a></li></ul>
    <pre><code>${curl}</code></pre></main>`
  return page('Catamaran', body)
}
