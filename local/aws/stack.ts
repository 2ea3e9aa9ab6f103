import { type Mapping, type Node, type Resource, type Scope, type Template, textOf } from './template.ts'

export interface Place {
  readonly region: string
  readonly account: string
  readonly sqsEndpoint: string
}

/** Names and addresses of everything in the template, as they are on this machine. */
export class Stack implements Scope {
  readonly template: Template
  readonly place: Place
  private readonly streamArns = new Map<string, string>()

  constructor(template: Template, place: Place) {
    this.template = template
    this.place = place
  }

  /** Known once the table exists. */
  setStreamArn(logicalId: string, arn: string): void {
    this.streamArns.set(logicalId, arn)
  }

  resources(type: string): [string, Resource][] {
    return Object.entries(this.template.resources).filter(([, resource]) => resource.Type === type)
  }

  ref(id: string): string {
    if (id === 'AWS::Region') return this.place.region
    if (id === 'AWS::AccountId') return this.place.account
    if (id === 'AWS::Partition') return 'aws'
    if (id === 'ApiGatewayRestApi') return 'local'
    const parameter = this.template.parameters[id]
    if (parameter !== undefined) return textOf(parameter)
    const functionName = this.functionName(id)
    if (functionName) return functionName
    const { name, type } = this.named(id)
    return type === 'AWS::SQS::Queue' ? `${this.place.sqsEndpoint}/${this.place.account}/${name}` : name
  }

  attribute(id: string, attribute: string): string {
    const { region, account } = this.place
    const functionName = this.functionName(id)
    if (functionName) return `arn:aws:lambda:${region}:${account}:function:${functionName}`
    const { name, type } = this.named(id)
    if (attribute === 'StreamArn') return this.streamArns.get(id) ?? ''
    if (attribute === 'QueueName') return name
    if (attribute !== 'Arn') throw new Error(`${id} has no attribute ${attribute} here`)
    if (type === 'AWS::S3::Bucket') return `arn:aws:s3:::${name}`
    if (type === 'AWS::SQS::Queue') return `arn:aws:sqs:${region}:${account}:${name}`
    return `arn:aws:dynamodb:${region}:${account}:table/${name}`
  }

  /** The logical name of a function of serverless.yml, as the framework makes it from the function's key. */
  private functionName(id: string): string | undefined {
    const entry = Object.entries(this.template.functions).find(([key]) => id === logicalFunctionId(key))
    return entry && textOf(entry[1].name)
  }

  private named(id: string): { name: string; type: string } {
    const resource = this.template.resources[id]
    if (!resource) throw new Error(`The template has no resource ${id}`)
    const { TableName, BucketName, QueueName } = resource.Properties
    const name = nameOf(TableName ?? BucketName ?? QueueName ?? id, this)
    return { name, type: resource.Type }
  }
}

const nameOf = (node: Node, scope: Scope): string => {
  const text = typeof node === 'object' && node !== null && 'Fn::Sub' in node ? (node as Mapping)['Fn::Sub'] : node
  return textOf(text).replace(/\$\{([^}]+)\}/g, (_, id: string) => scope.ref(id))
}

export const logicalFunctionId = (key: string): string =>
  `${key.charAt(0).toUpperCase()}${key.slice(1).replaceAll('-', 'Dash')}LambdaFunction`
