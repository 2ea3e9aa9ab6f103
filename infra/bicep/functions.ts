import { createHash } from 'node:crypto'
import { type Fields, isFields, isList, textOf, type Value } from './value.ts'

const digest = (values: readonly Value[]): string =>
  createHash('sha256').update(values.map(textOf).join('|')).digest('hex')
const subscriptionId = '00000000-0000-4000-8000-000000000001'

/** Any letters and digits, as long as Azure's own; the same for the same arguments. */
const uniqueText = (values: readonly Value[]): string => `u${digest(values).slice(0, 12)}`

const guidText = (values: readonly Value[]): string =>
  digest(values).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')

const lengthOf = (value: Value | undefined): number => {
  if (isFields(value)) return Object.keys(value).length
  return typeof value === 'string' || isList(value) ? value.length : 0
}

/** Objects member by member, the later first; lists without what is twice. */
function union(values: readonly Value[]): Value {
  if (values.every((value) => isList(value))) return [...new Set(values.flat())]
  return Object.assign({}, ...values) as Fields
}

function contains(holder: Value | undefined, wanted: Value): boolean {
  if (isFields(holder)) return textOf(wanted) in holder
  return isList(holder) ? holder.includes(wanted) : textOf(holder ?? '').includes(textOf(wanted))
}

type Call = (args: readonly Value[]) => Value
const textAt = (args: readonly Value[], index: number): string => textOf(args[index] ?? '')

/** The functions of Bicep that the templates use, as far as they need no cloud. Files are loaded elsewhere. */
export const functions: Readonly<Record<string, Call>> = {
  base64: (args) => Buffer.from(textAt(args, 0)).toString('base64'),
  base64ToString: (args) => Buffer.from(textAt(args, 0), 'base64').toString(),
  concat: (args) => (args.every((value) => isList(value)) ? args.flat() : args.map(textOf).join('')),
  contains: ([holder, wanted = null]) => contains(holder, wanted),
  empty: ([value]) => value === null || lengthOf(value) === 0,
  endsWith: (args) => textAt(args, 0).endsWith(textAt(args, 1)),
  guid: guidText,
  int: (args) => Number(textAt(args, 0)),
  items: ([value]) => (isFields(value) ? Object.entries(value).map(([key, member]) => ({ key, value: member })) : []),
  join: ([list, between = '']) => (isList(list) ? list.map(textOf).join(textOf(between)) : ''),
  json: (args) => JSON.parse(textAt(args, 0)) as Value,
  length: ([value]) => lengthOf(value),
  max: (args) => Math.max(...args.map(Number)),
  replace: (args) => textAt(args, 0).replaceAll(textAt(args, 1), textAt(args, 2)),
  resourceGroup: () => ({ id: '/subscriptions/1/resourceGroups/catamaran', name: 'catamaran', location: 'westeurope' }),
  string: (args) => textAt(args, 0),
  subscription: () => ({ id: `/subscriptions/${subscriptionId}`, subscriptionId }),
  subscriptionResourceId: (args) => `/providers/${args.map(textOf).join('/')}`,
  take: (args) => textAt(args, 0).slice(0, Number(args[1])),
  tenant: () => ({ tenantId: '00000000-0000-4000-8000-000000000002' }),
  toLower: (args) => textAt(args, 0).toLowerCase(),
  union,
  uniqueString: uniqueText,
  utcNow: () => '2026-01-01',
}
