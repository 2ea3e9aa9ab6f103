import type { WriteCondition } from '../../shared/ports/record-store.ts'

/**
 *            absent                    unchanged(token)
 *   no item   -> written                -> changed
 *   rev = t   -> changed                -> written when t = token, else changed
 */
export const conditionInput = (condition: WriteCondition) =>
  condition.kind === 'absent'
    ? { ConditionExpression: 'attribute_not_exists(pk)' }
    : { ConditionExpression: 'rev = :token', ExpressionAttributeValues: { ':token': { S: condition.token } } }
