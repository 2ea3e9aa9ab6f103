/** A copy that nobody can change, so that what a store hands out may be handed out again. */
export const frozenCopy = <Value>(value: Value): Value => freeze(JSON.parse(JSON.stringify(value)) as Value)

/** The value itself, which nobody can change from now on. */
export function freeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) freeze(member)
  return Object.freeze(value)
}

/** What is frozen already as it is; anything else as a shallow frozen copy. */
export const frozenShallow = <Value extends object>(value: Value): Value =>
  Object.isFrozen(value) ? value : Object.freeze({ ...value })
