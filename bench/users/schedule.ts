/** What a user does, one after the other and again from the beginning. */
export const steps = ['list', 'create', 'read', 'edit', 'asset', 'image'] as const
export type Step = (typeof steps)[number]

export const stepOf = (turn: number): Step => steps[turn % steps.length] ?? 'list'

/** When a user comes, after the first one: they come evenly, and the ramp ends with the last of them. */
export const spawnMsOf = (
  user: number,
  { users, rampMs }: { readonly users: number; readonly rampMs: number },
): number => (user / users) * rampMs

/** Between an answer and the next call: from half the mean to one and a half of it, so that users never march in step. */
export const thinkMsOf = (meanMs: number, random: () => number): number => meanMs * (0.5 + random())

/** Neighbours are at different sites, and each site has users of every tenant. */
export function placeOf<Site, Tenant>(
  user: number,
  sites: readonly Site[],
  tenants: readonly Tenant[],
): [Site, Tenant] {
  const [site] = sites.slice(user % sites.length)
  const [tenant] = tenants.slice(Math.floor(user / sites.length) % tenants.length)
  if (site === undefined || tenant === undefined) throw new RangeError('A user needs a site and a tenant')
  return [site, tenant]
}
