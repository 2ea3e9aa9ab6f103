import type { OperationInput } from '@azure/cosmos'
import type { WriteCondition } from '../../shared/ports/record-store.ts'
import type { Item } from './record-item.ts'

/**
 *            absent                    unchanged(token)
 *   no item   -> written                -> changed (404)
 *   _etag = t -> changed (409)          -> written when t = token, else changed (412)
 */
export const operationOf = (item: Item, condition: WriteCondition): OperationInput =>
  condition.kind === 'absent'
    ? { operationType: 'Create', resourceBody: { ...item } as never }
    : { operationType: 'Replace', id: item.id, resourceBody: { ...item } as never, ifMatch: condition.token }
