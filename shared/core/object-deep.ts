import { digestOfKey } from '../domain/asset.ts'
import { hasCode } from '../domain/errors.ts'
import { peerOf } from '../domain/site.ts'
import type { ObjectFault, ObjectLook } from './named-objects.ts'
import { digestsHere, digestsThere } from './object-digests.ts'
import { paced, type Step } from './operation-step.ts'
import type { Digests } from './work-file.ts'

/** Reads an object's bytes at both sites; its name says what SHA-256 they must have. */
export async function deepFaultOf(step: Step, { object: { key } }: ObjectLook): Promise<ObjectFault | undefined> {
  const { services, work, signal, tally } = step
  const here = await readPaced(step, () => digestsHere(services, key, signal))
  const there = await readPaced(step, async () => {
    const [grant] = await services.peer.grantRead([key])
    return grant && digestsThere(work, grant.url, signal)
  })
  tally.count('bytesRead', (here?.bytes ?? 0) + (there?.bytes ?? 0))
  const [isOursRight, isTheirsRight] = [here?.sha256 === digestOfKey(key), there?.sha256 === digestOfKey(key)]
  if (isOursRight && isTheirsRight) return undefined
  const { site } = services
  if (!isOursRight && !isTheirsRight) {
    const detail =
      'Its bytes at both sites are not those that its name says: they are lost, unless a backup or an older version has them.'
    return { finding: { kind: 'object-lost', what: key, detail }, mendHere: false, mendThere: false }
  }
  const detail = `Its bytes at ${isOursRight ? peerOf(site) : site} are not those that its name says.`
  return { finding: { kind: 'object-corrupt', what: key, detail }, mendHere: !isOursRight, mendThere: !isTheirsRight }
}

/** An object that went away meanwhile counts as absent. */
const readPaced = (step: Step, read: () => Promise<Digests | undefined>): Promise<Digests | undefined> =>
  paced(
    step,
    (digests) => ({ bytes: digests?.bytes ?? 0 }),
    async () => {
      try {
        return await read()
      } catch (error) {
        if (hasCode(error, 'not-found')) return undefined
        throw error
      }
    },
  )
