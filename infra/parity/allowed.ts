import type { Difference } from './row.ts'

interface Allowed extends Difference {
  readonly because: string
}

/** In what the clouds may differ, and how: any other value on either side is a finding, and so is an entry that has become idle. */
export const allowed: readonly Allowed[] = [
  {
    name: 'change-feed',
    fact: 'givesUpAfter',
    aws: '79200 s',
    azure: 'never',
    because:
      'DynamoDB Streams forget after 24 hours: two hours before, Lambda hands the batch to the bucket of failures. Cosmos DB forgets nothing, so there a batch waits until it goes through; the scrub finds what either feed never brought.',
  },
  {
    name: 'change-feed',
    fact: 'retryDelay',
    aws: 'at once',
    azure: '1 s to 60 s',
    because: 'Lambda paces the attempts at a stream itself and has no setting for it.',
  },
  {
    name: 'job',
    fact: 'retryDelay',
    aws: '960 s',
    azure: '10 s',
    because:
      'SQS hides a message for as long as a run may take, and cannot tell a failed one from one that goes on. The Functions host goes on hiding the message of a run, so that what it waits after a failure is a setting of its own.',
  },
  {
    name: 'job',
    fact: 'givesUpAfter',
    aws: '1209600 s',
    azure: 'never',
    because: 'SQS keeps a message for 14 days at most. By then the sweep has long sent the work again.',
  },
  {
    name: 'object-created',
    fact: 'inAnInstance',
    aws: '10',
    azure: '1',
    because: 'The host has one number for all queues, and a job takes an instance for itself (ADR 0064).',
  },
  {
    name: 'object-created',
    fact: 'retryDelay',
    aws: '150 s',
    azure: '10 s',
    because: 'As for `job`: what a run may take, and what is waited after a failed one.',
  },
]
