/** Text that is HTML already. Everything else is escaped on its way into a template. */
export interface Html {
  readonly html: string
}

type Part = string | number | Html | readonly Html[] | undefined | false

/** A template whose values are escaped unless they are HTML themselves. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  html: strings.map((text, at) => text + textOf(parts[at])).join(''),
})

function textOf(part: Part): string {
  if (part === undefined || part === false) return ''
  if (typeof part === 'string') return escapeHtml(part)
  if (typeof part === 'number') return String(part)
  return 'html' in part ? part.html : part.map((each) => each.html).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (char) => entities[char] ?? char)

/** Prose with `code` spans and blank lines between paragraphs. */
export const prose = (text: string | undefined): Html[] =>
  (text ?? '').split('\n\n').flatMap((paragraph) => (paragraph ? [html`<p>${spans(paragraph)}</p>`] : []))

export const spans = (text: string): Html[] =>
  text.split('`').map((piece, at) => (at % 2 === 1 ? html`<code>${piece}</code>` : html`${piece}`))
