import { expect } from '@jest/globals'
import fc from 'fast-check'
import { hasCode, isCatamaranError } from '../../shared/domain/errors.ts'
import { freshTenant } from '../contract/fixtures.ts'
import { alikeSeed } from './alike-seed.ts'

/** Stores are held side by side by what they answer: as data, without what each names in its own way. */
export type Play<Store, Command> = (store: Store, tenant: string, commands: readonly Command[]) => Promise<unknown[]>

/** What a call answers, or the code that it throws. */
export async function answerOf(act: () => Promise<unknown>): Promise<unknown> {
  try {
    return (await act()) ?? 'nothing'
  } catch (error) {
    if (isCatamaranError(error) && !hasCode(error, 'unavailable')) return error.code
    throw error
  }
}

/** The answers to commands given one after the other. */
export async function answersTo<Command>(
  commands: readonly Command[],
  play: (command: Command, n: number) => Promise<unknown>,
): Promise<unknown[]> {
  const answers: unknown[] = []
  for (const [n, command] of commands.entries()) answers.push(await answerOf(() => play(command, n)))
  return answers
}

const commandsMax = 24

export const sequencesOf = <Command>(command: fc.Arbitrary<Command>): fc.Arbitrary<Command[]> =>
  fc.array(command, { minLength: 8, maxLength: commandsMax })

/** The same commands for the store of the simulator and for the server behind the real adapter: nobody can tell which is which. */
export async function arePlayedAlike<Store, Command>(
  real: Store,
  fake: Store,
  sequences: fc.Arbitrary<Command[]>,
  play: Play<Store, Command>,
): Promise<void> {
  const property = fc.asyncProperty(sequences, async (commands) => {
    const tenant = freshTenant()
    expect(await play(fake, tenant, commands)).toEqual(await play(real, tenant, commands))
  })
  await fc.assert(property, { numRuns: 14, seed: alikeSeed })
}

/** Whether commands of this kind tell two stores apart: they would tell one that answers so from the real one. */
export async function areToldApart<Store, Command>(
  one: Store,
  other: Store,
  sequences: fc.Arbitrary<Command[]>,
  play: Play<Store, Command>,
  numRuns = toldRuns,
): Promise<boolean> {
  for (const commands of fc.sample(sequences, { numRuns, seed: alikeSeed })) {
    const tenant = freshTenant()
    const [first, second] = [await play(one, tenant, commands), await play(other, tenant, commands)]
    if (JSON.stringify(first) !== JSON.stringify(second)) return true
  }
  return false
}

/** Many more than are played against servers: here both are in memory. */
const toldRuns = 300
