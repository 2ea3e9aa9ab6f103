import { rm } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { FunctionPool } from '../../../local/aws/lambda/function-pool.ts'
import { functionOf, temporaryFolder } from './lambda-fixture.ts'

test('a busy pool does not run what nobody waits for any longer, and serves those that came after it', async () => {
  const folder = await temporaryFolder()
  const source = `exports.handler = ({ ms }) => new Promise((done) => setTimeout(() => done(ms), ms))`
  const pool = new FunctionPool(await functionOf(folder, 'busy', source), () => undefined, { instancesMax: 1 })
  try {
    await pool.invoke('{"ms":0}')
    const long = pool.invoke('{"ms":300}')
    const late = pool.invoke('{"ms":1}', { waitMsMax: 100 })
    const patient = pool.invoke('{"ms":2}', { waitMsMax: 10_000 })
    await expect(late).rejects.toThrow('Rate Exceeded.')
    expect([await long, await patient]).toMatchObject([{ ok: true }, { ok: true }])
  } finally {
    await pool.close()
    await rm(folder, { recursive: true })
  }
})
