export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
export type JsonObject = { [name: string]: Json }

export interface CfnResource {
  readonly id: string
  readonly type: string
  readonly properties: JsonObject
  /** What stands beside the properties: DeletionPolicy, DependsOn, Condition. */
  readonly attributes: JsonObject
}

/** A packaged template. CloudFormation's own functions (`Ref`, `Fn::Sub`) are still in it. */
export interface CloudFormation {
  /** Where it lies on disk, until its sources are closed. */
  readonly path: string
  readonly resources: readonly CfnResource[]
  readonly parameters: JsonObject
  readonly conditions: JsonObject
  readonly outputs: JsonObject
}

export const isObject = (node: Json | undefined): node is JsonObject =>
  typeof node === 'object' && node !== null && !Array.isArray(node)

export const objectOf = (node: Json | undefined): JsonObject => (isObject(node) ? node : {})

/** A text as it is, anything else as an empty one. */
export const textOf = (node: Json | undefined): string => (typeof node === 'string' ? node : '')

/** A list as it is, one item as a list of one, nothing as an empty list. */
export const listOf = (node: Json | undefined): Json[] =>
  node === undefined ? [] : Array.isArray(node) ? node : [node]

/** The member at a path of names and positions. */
export const at = (node: Json | undefined, ...path: (string | number)[]): Json | undefined =>
  path.reduce<Json | undefined>(
    (inner, name) =>
      Array.isArray(inner) && typeof name === 'number'
        ? inner[name]
        : isObject(inner)
          ? inner[String(name)]
          : undefined,
    node,
  )

export function parseCloudFormation(path: string, text: string): CloudFormation {
  const root = JSON.parse(text) as JsonObject
  const resources = Object.entries(objectOf(root.Resources)).map(([id, resource]) => {
    const { Type, Properties, ...attributes } = objectOf(resource)
    return { id, type: textOf(Type), properties: objectOf(Properties), attributes }
  })
  return {
    path,
    resources,
    parameters: objectOf(root.Parameters),
    conditions: objectOf(root.Conditions),
    outputs: objectOf(root.Outputs),
  }
}

/** The logical id that a Ref, a GetAtt or a Sub of one reference names. */
export function referenceOf(node: Json | undefined): string | undefined {
  const object = objectOf(node)
  if (typeof object.Ref === 'string') return object.Ref
  const attribute = object['Fn::GetAtt']
  if (attribute !== undefined) return textOf(listOf(attribute)[0]).split('.')[0]
  const text = at(object['Fn::Join'], 1, 0) ?? object['Fn::Sub']
  return typeof text === 'string'
    ? /\$\{([A-Za-z0-9]+)/.exec(text)?.[1]
    : isObject(text)
      ? referenceOf(text)
      : undefined
}
