/**
 * Joins two values of `Catamaran-Session`: what a client has seen in either. A session is the base64url form of
 * `where:origin=stamp,where:origin=stamp`, in the order of what stands before the stamps, which sort as text: of what each site
 * showed of each origin the later one is kept.
 */
export function joinSessions(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined || a === b) return a ?? b
  const seen = new Map<string, string>()
  for (const entry of [...entriesOf(a), ...entriesOf(b)]) {
    const [place = '', stamp = ''] = entry.split('=')
    if ((seen.get(place) ?? '') < stamp) seen.set(place, stamp)
  }
  const text = [...seen]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([place, stamp]) => `${place}=${stamp}`)
    .join(',')
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

const entriesOf = (session: string): string[] =>
  atob(session.replaceAll('-', '+').replaceAll('_', '/')).split(',').filter(Boolean)
