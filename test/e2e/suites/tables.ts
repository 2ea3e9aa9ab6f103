import { expect, test } from '@jest/globals'
import type { Api } from '../../../local/tour/api.ts'
import { until } from '../../../local/tour/until.ts'
import { sendDirect, untilReadyAtBoth } from '../assets-tools.ts'
import { type Pair, sites, unique } from '../pair.ts'

/** What stores and JSON may keep in ways of their own: fractions, the largest, the least, and the end of what is whole. */
const numbers = ['0.1', '1e21', '5e-324', '1.79769313486231e308', '-0.0000001', '9007199254740991', '123456789.012345']
const lines = Array.from({ length: 120 }, (_, n) => [
  `row ${n}`,
  n % 11 === 0 ? '' : (1.1 * n).toFixed(4),
  numbers[n % numbers.length],
  n % 3 === 0 ? 'Ærøskøbing 🛶' : '"a ""quoted"" comma, here"',
])
const csv = ['name,price,hard,place', ...lines.map((line) => line.join(','))].join('\r\n')

interface Check {
  readonly site: string
  readonly state: 'waiting' | 'done'
  readonly equal?: boolean
  readonly rows?: number
}

/** Asks again while the rows are still on their way to that site. */
const checkedAt = (api: Api, id: string): Promise<Check> =>
  until(
    `the profile of ${id} made again at ${api.site}`,
    async () => {
      await api.call('POST', `/v1/assets/${id}/profile-checks`, { status: 202 })
      const check = await until(`a check at ${api.site}`, async () => {
        const { items } = await api.get<{ items: Check[] }>(`/v1/assets/${id}/profile-checks`)
        return items.find(({ site, state }) => site === api.site && state === 'done')
      })
      return check.rows === lines.length ? check : undefined
    },
    { timeoutMs: 90_000 },
  )

export function tablesSuite(pair: () => Pair): void {
  test('the profile of a table is the same when each site makes it again from the rows that it holds', async () => {
    const { id } = await sendDirect(pair().apis.aws, unique('hard.csv'), csv, 'text/csv')
    await untilReadyAtBoth(pair(), id)
    for (const site of sites) expect(await checkedAt(pair().apis[site], id)).toMatchObject({ equal: true })
  })

  test('SQL over a table answers the same at both sites, and refuses to look elsewhere', async () => {
    const { id } = await sendDirect(pair().apis.azure, unique('asked.csv'), csv, 'text/csv')
    await untilReadyAtBoth(pair(), id)
    const sql = 'SELECT place, count(*) AS n, max(price) AS most FROM t GROUP BY 1 ORDER BY 1'
    const ask = (api: Api, text: string, status: number) =>
      api.call<{ rows: unknown[][] }>('POST', '/v1/analytics/query', { json: { sql: text, tables: { t: id } }, status })
    const { rows } = (await ask(pair().apis.aws, sql, 200)).body
    expect(rows).toEqual([
      ['a "quoted" comma, here', '80', 130.9],
      ['Ærøskøbing 🛶', '40', 128.7],
    ])
    expect((await ask(pair().apis.azure, sql, 200)).body.rows).toEqual(rows)
    for (const site of sites) await ask(pair().apis[site], "SELECT * FROM read_text('/etc/hostname')", 400)
  })

  test('a day that is over is exported once, and is a table at both sites', async () => {
    const date = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)
    const { aws, azure } = pair().apis
    await aws.call('POST', '/v1/exports', { json: { kind: 'events', date }, status: 202 })
    const made = await until(
      'the export',
      async () => {
        const found = await azure.call<{ state: string; asset: string; rows: number }>(
          'GET',
          `/v1/exports/events/${date}`,
        )
        return found.status === 200 && found.body.state === 'done' ? found.body : undefined
      },
      { timeoutMs: 120_000 },
    )
    await untilReadyAtBoth(pair(), made.asset)
    for (const site of sites) {
      const json = { sql: 'SELECT count(*) FROM days', tables: { days: made.asset } }
      const { body } = await pair().apis[site].call<{ rows: unknown[][] }>('POST', '/v1/analytics/query', {
        json,
        status: 200,
      })
      expect(body.rows).toEqual([[String(made.rows)]])
    }
  })
}
