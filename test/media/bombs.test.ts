import { stat } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { bombs } from './bombs.ts'
import { programsOf } from './programs.ts'
import { converter, never, workbench } from './workbench.ts'

test.each(bombs.map((bomb) => [bomb.name, bomb] as const))(
  'a %s is known by its header: no program is started for it',
  async (_, { declared, refusal, bytes }) => {
    await using bench = await workbench()
    const path = await bench.write('bomb', bytes())
    const source = { path, mediaType: declared, bytes: (await stat(path)).size }
    const outcome: { code?: string; message?: string; recipes?: number } = {}
    const started = await programsOf(async () => {
      try {
        outcome.recipes = (await converter.inspect(source, never())).recipes.length
      } catch (error) {
        Object.assign(outcome, { code: (error as { code: string }).code, message: (error as Error).message })
      }
    })
    expect(started).toEqual([])
    expect(outcome).toEqual(
      refusal ? { code: 'invalid-media', message: expect.stringMatching(refusal) } : { recipes: 0 },
    )
  },
)
