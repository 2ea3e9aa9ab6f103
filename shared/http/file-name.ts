/** The file name in a Content-Disposition header (RFC 6266), without any folders. `filename*` goes before `filename`. */
export function fileNameOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const extended = /;\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(header)?.[1]
  const quoted = /;\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(header)?.[1]?.replaceAll(/\\(.)/g, '$1')
  const token = /;\s*filename\s*=\s*([^";\s]+)/i.exec(header)?.[1]
  const name = (extended === undefined ? undefined : decodeOrNothing(extended)) ?? quoted ?? token
  return name?.split(/[/\\]/).at(-1) || undefined
}

function decodeOrNothing(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
