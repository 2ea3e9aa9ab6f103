import { peerOf } from '../domain/site.ts'
import { phasesOf, type Counter, type FindingKind, type Operation } from './operation.ts'

/** How far an operation is, 0 to 1: by the share of time that its phases are thought to take. */
export function fractionOf({ kind, phase, fraction, state }: Operation): number {
  if (state === 'done') return 1
  const phases = phasesOf[kind]
  const whole = phases.reduce((sum, [, share]) => sum + share, 0)
  let done = 0
  for (const [name, share] of phases) {
    if (name === phase) return (done + share * fraction) / whole
    done += share
  }
  return 0
}

const fractionMin = 0.005

/** Milliseconds that are left should it go on as it went; undefined before that can be told, and after the end. */
export function leftMsOf(operation: Operation, nowMs: number): number | undefined {
  const fraction = fractionOf(operation)
  if (operation.state !== 'running' || fraction < fractionMin) return undefined
  return Math.round(((nowMs - operation.startedMs) * (1 - fraction)) / fraction)
}

const foundWords: Readonly<Record<FindingKind, string>> = {
  'record-missing': 'records are at one site only',
  'record-older': 'records are older at one site than at the other',
  'record-conflict': 'records have a version at each site that the other has not seen',
  'record-differs': 'records have the same version with different contents',
  'record-refused': 'records were refused by the site that lacks them',
  'object-missing': 'objects are at one site only',
  'object-lost': 'objects are lost: no site has their bytes whole',
  'object-differs': 'objects differ in size or checksum',
  'object-corrupt': 'objects have damaged bytes at one site',
  'object-unread': 'objects were too large to be read',
  'object-not-copied': 'objects were asked for, but did not arrive',
  'object-orphan': 'objects have no record at all',
}

/** What repair does not mend by itself. */
const notMended: readonly FindingKind[] = [
  'record-differs',
  'record-refused',
  'object-lost',
  'object-unread',
  'object-not-copied',
  'object-orphan',
]

/** The report in plain words, a sentence a line. */
export function summaryOf(operation: Operation): string[] {
  const { kind, state, dryRun } = operation
  const lines = [beginningOf(operation), ...countLines(operation)]
  const found = Object.entries(operation.found) as [FindingKind, number][]
  for (const [name, count] of found) lines.push(`${count} ${foundWords[name]}.`)
  const isClean = found.length === 0
  if (state === 'done' && kind !== 'backfill' && isClean && !(kind === 'verify' && dryRun)) {
    lines.push('Nothing else differs: both sites hold the same.')
  }
  const open = found.filter(([name]) => notMended.includes(name)).length
  if (kind === 'repair' && open > 0)
    lines.push('What the examples name as lost, refused or without a record needs a person.')
  return lines
}

function beginningOf({ kind, state, dryRun, deep, site, error }: Operation): string {
  const name = `This ${dryRun ? 'dry run of a ' : ''}${deep ? 'deep ' : ''}${kind} between ${site} and ${peerOf(site)}`
  switch (state) {
    case 'running':
      return `${name} is under way.`
    case 'done':
      return `${name} is done.`
    case 'cancelled':
      return `${name} was cancelled; what it had done stays done.`
    case 'failed':
      return `${name} failed: ${error ?? 'no reason is known'}`
  }
}

function countLines({ kind, counters, dryRun, site }: Operation): string[] {
  const of = (name: Counter): number => counters[name] ?? 0
  const peer = peerOf(site)
  const lines: string[] = []
  const say = (name: Counter, text: string): void => void (of(name) > 0 && lines.push(`${of(name)} ${text}`))
  if (kind === 'verify' && dryRun) {
    lines.push(`It would compare ${of('records')} records and ${of('objects')} objects of ${of('objectBytes')} bytes.`)
    return lines
  }
  lines.push(
    `Compared: ${of('records')} records at ${site} with ${of('peerRecords')} at ${peer}, and ${of('objects')} objects.`,
  )
  const were = dryRun ? 'would be' : 'were'
  say('recordsPushed', `records ${were} sent to ${peer}.`)
  say('recordsPulled', `records ${were} fetched from ${peer}.`)
  say('objectsSent', `objects ${were} asked for at ${peer}.`)
  say('objectsFetched', `objects ${were} asked for at ${site}.`)
  say('objectsArrived', 'objects are in place at both sites.')
  say('recordsChanging', 'records were changing at the time and count as equal.')
  say('objectsComing', 'objects are on their way, their records being new.')
  say('objectsOfOlderVersions', 'objects are kept for older versions.')
  say('bytesRead', 'bytes were read.')
  return lines
}
