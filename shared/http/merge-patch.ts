import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts'

/** Applies a JSON Merge Patch (RFC 7396) to an object: null removes a member, objects merge, everything else replaces. */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged: JsonObject = { ...target }
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else merged[name] = mergeValue(merged[name], value)
  }
  return merged
}

function mergeValue(target: Json | undefined, value: Json): Json {
  if (!isJsonObject(value)) return value
  return mergePatch(isJsonObject(target) ? target : {}, value)
}
