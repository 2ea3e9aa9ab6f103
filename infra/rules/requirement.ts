import { at, type CfnResource, type CloudFormation, type Json } from '../cloudformation.ts'

/** What resources of a type must have. */
export interface Requirement {
  readonly rule: string
  readonly type: string
  /** From the resource itself: `Properties` or an attribute, then names and positions. */
  readonly path: readonly (string | number)[]
  readonly holds: (value: Json | undefined, resource: CfnResource, template: CloudFormation) => boolean
  readonly problem: string
  readonly cure: string
  /** Resources that it does not concern. */
  readonly unless?: (resource: CfnResource) => boolean
}

/** The resources that fail a requirement; when there is none of its type, that is a failure as well. */
export function failuresOf(requirement: Requirement, template: CloudFormation): string[] {
  const all = template.resources.filter(({ type }) => type === requirement.type)
  if (all.length === 0) return [requirement.type]
  return all
    .filter((resource) => requirement.unless?.(resource) !== true)
    .filter((resource) => {
      const whole = { ...resource.attributes, Properties: resource.properties }
      return !requirement.holds(at(whole, ...requirement.path), resource, template)
    })
    .map(({ id }) => id)
}

/** On the way to what a stage has that is there to stay, and a developer's own has not: `Fn::If: [IsLasting, ...]`. */
export const lasting = ['Fn::If', 1] as const

/** A requirement on a property, by its path. */
export const property = (
  type: string,
  rule: string,
  path: readonly (string | number)[],
  holds: Requirement['holds'],
  problem: string,
  cure: string,
): Requirement => ({ rule, type, path: ['Properties', ...path], holds, problem, cure })

export const equals =
  (wanted: Json) =>
  (value: Json | undefined): boolean =>
    JSON.stringify(value) === JSON.stringify(wanted)

export const isThere = (value: Json | undefined): boolean => value !== undefined && value !== null && value !== ''

export const atLeast =
  (least: number) =>
  (value: Json | undefined): boolean =>
    Number(value) >= least

export const references =
  (id: string) =>
  (value: Json | undefined): boolean =>
    JSON.stringify(value ?? null).includes(`"${id}"`)
