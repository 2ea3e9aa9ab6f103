/**
 * Joins two values of `Catamaran-Session`: what a client has seen in either. A session is the base64url form of
 * `origin=stamp,origin=stamp`, and stamps sort as text, so that of each origin the later one is kept.
 */
export function joinSessions(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined || a === b) return a ?? b
  const seen = new Map<string, string>()
  for (const entry of [...entriesOf(a), ...entriesOf(b)]) {
    const [origin = '', stamp = ''] = entry.split('=')
    if ((seen.get(origin) ?? '') < stamp) seen.set(origin, stamp)
  }
  const text = [...seen]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([origin, stamp]) => `${origin}=${stamp}`)
    .join(',')
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

const entriesOf = (session: string): string[] =>
  atob(session.replaceAll('-', '+').replaceAll('_', '/')).split(',').filter(Boolean)
