import { at, type CfnResource, listOf, objectOf, textOf } from '../cloudformation.ts'
import { atLeast, equals, isThere, lasting, property, references, type Requirement } from './requirement.ts'

const pool = 'AWS::Cognito::UserPool'
const vault = 'AWS::Backup::BackupVault'
const record = 'AWS::Route53::RecordSet'
const isPlain = ({ properties }: CfnResource): boolean => properties.SetIdentifier === undefined

/** People, backups, names and messages. */
export const upkeepRequirements: readonly Requirement[] = [
  property(pool, 'people-mfa', ['MfaConfiguration'], equals('ON'), 'a password alone is enough', 'set it to ON'),
  property(pool, 'people-password', ['Policies', 'PasswordPolicy', 'MinimumLength'], atLeast(14), 'short', 'set 14'),
  property(pool, 'people-kept', ['DeletionProtection'], equals('ACTIVE'), 'one call deletes it', 'set ACTIVE'),
  property(
    pool,
    'people-invited',
    ['AdminCreateUserConfig', 'AllowAdminCreateUserOnly'],
    equals(true),
    'anybody may sign up',
    'let administrators alone create users',
  ),
  property(
    'AWS::Cognito::UserPoolClient',
    'people-flow',
    ['AllowedOAuthFlows'],
    equals(['code']),
    'tokens travel in addresses',
    'allow the authorization code flow alone',
  ),
  property(
    vault,
    'backup-lock',
    ['LockConfiguration', ...lasting, 'MinRetentionDays'],
    atLeast(35),
    'backups can be removed',
    'lock them for 35 days at least',
  ),
  property(vault, 'backup-key', ['EncryptionKeyArn'], references('DataKey'), 'not our key', 'name DataKey'),
  property(
    'AWS::Backup::BackupPlan',
    'backup-daily',
    ['BackupPlan', 'BackupPlanRule'],
    (rules) =>
      listOf(rules).some((rule) => /^cron\(\d+ \d+ \* \* \? \*\)$/.test(textOf(at(rule, 'ScheduleExpression')))),
    'no backup each day',
    'add a daily rule',
  ),
  ...['RecordsTable', 'SiteTable'].map((id) =>
    property(
      'AWS::Backup::BackupSelection',
      'backup-both',
      ['BackupSelection', 'Resources'],
      references(id),
      `${id} is not backed up, and both must go back together`,
      'select both tables',
    ),
  ),
  {
    ...property(record, 'dns-probe', ['HealthCheckId'], isThere, 'it leads to a site that is dead', 'name the probe'),
    unless: isPlain,
  },
  {
    ...property(record, 'dns-life', ['TTL'], (value) => Number(value) <= 60, '', ''),
    problem: 'clients go on calling a site that is gone for longer than a minute',
    cure: 'set TTL to 60 or less',
    unless: isPlain,
  },
  property(
    'AWS::Route53::HealthCheck',
    'dns-probe',
    ['HealthCheckConfig'],
    (value) =>
      objectOf(value).Type === 'HTTPS' &&
      objectOf(value).ResourcePath === '/v1/health/ready' &&
      Number(objectOf(value).RequestInterval) * Number(objectOf(value).FailureThreshold) <= 30,
    'a dead site is noticed late, or not at all',
    'probe /v1/health/ready by HTTPS, so that it is known dead within 30 s',
  ),
  property('AWS::SNS::Topic', 'topic-key', ['KmsMasterKeyId'], references('DataKey'), 'not our key', 'name DataKey'),
]
