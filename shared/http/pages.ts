import { sha256Base64Url } from '../domain/hash.ts'
import { createHash } from 'node:crypto'
import type { Api } from './api.ts'
import { clientHas } from './conditions.ts'
import { docsPage, indexPage } from './docs/page.ts'
import { docsStyle } from './docs/style.ts'
import { openApiDocument } from './openapi.ts'

interface Page {
  readonly text: string
  readonly etag: string
}

const pageOf = (text: string): Page => ({ text, etag: `"${sha256Base64Url(text).slice(0, 22)}"` })

/** Only our own style sheet, by its hash; no script at all. */
const styleHash = createHash('sha256').update(docsStyle).digest('base64')
const pagePolicy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/** The pages that need no key: what there is, the documentation, and the OpenAPI document. Each is made once, when asked for. */
export function addPages(api: Api): void {
  const made = new Map<string, Page>()
  const add = (path: string, contentType: string, make: () => string): void => {
    api.paths.set(path, new Set(['GET']))
    api.app.get(path, (c) => {
      c.set('routePattern', path)
      const page = made.get(path) ?? pageOf(make())
      made.set(path, page)
      c.header('etag', page.etag)
      c.header('cache-control', 'public, no-cache')
      if (clientHas(page.etag, c.req.header('if-none-match'))) return c.body(null, 304)
      c.header('content-type', contentType)
      c.header('content-security-policy', pagePolicy)
      return c.body(page.text)
    })
  }
  let known: ReturnType<typeof openApiDocument> | undefined
  const described = (): ReturnType<typeof openApiDocument> => (known ??= openApiDocument(api))
  add('/openapi.json', 'application/json', () => JSON.stringify(described()))
  add('/docs', 'text/html; charset=utf-8', () => docsPage(described()))
  add('/', 'text/html; charset=utf-8', () => indexPage(api.services.site, api.options))
}
