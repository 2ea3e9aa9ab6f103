import { expect, test } from '@jest/globals'
import { filledIn } from '../../scripts/azure-parameters.ts'

const fileOf = (values: Readonly<Record<string, unknown>>) => ({
  $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#',
  contentVersion: '1.0.0.0',
  parameters: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }])),
})
const valuesOf = (values: Readonly<Record<string, unknown>>, environment: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(filledIn(fileOf(values), environment).parameters).map(([name, { value }]) => [name, value]),
  )

test('variables are filled in, and defaults where there is none or an empty one', () => {
  const values = { a: '${A}', b: '${B=two}', c: '${C=}', d: 'x-${A}', e: 5 }
  expect(valuesOf(values, { A: 'one', B: '' })).toEqual({ a: 'one', b: 'two', c: '', d: 'x-one', e: 5 })
  expect(() => valuesOf({ a: '${A}' }, { A: '' })).toThrow('A is not set')
})

test('what has quotes arrives whole, in base64 or as it is', () => {
  const text = JSON.stringify([{ issuer: 'https://login.example.com', audience: 'ä' }])
  const encoded = Buffer.from(text).toString('base64')
  const values = { signInBase64: '${SIGN_IN_BASE64=}' }
  expect(valuesOf(values, { SIGN_IN: text })).toEqual({ signInBase64: encoded })
  expect(valuesOf(values, { SIGN_IN_BASE64: encoded })).toEqual({ signInBase64: encoded })
  expect(valuesOf(values, {})).toEqual({ signInBase64: '' })
})

test('what azd does not know of is given as JSON, with its type', () => {
  const given = { AZURE_PARAMETERS: '{"budgetAmount":500,"alwaysReady":[{"name":"http","instanceCount":1}]}' }
  expect(valuesOf({ a: 'b' }, given)).toEqual({
    a: 'b',
    budgetAmount: 500,
    alwaysReady: [{ name: 'http', instanceCount: 1 }],
  })
})
