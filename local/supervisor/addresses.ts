import type { Site } from '../../shared/domain/site.ts'

export const portBaseDefault = 4500

/** Distance of every listener from the port base, all on 127.0.0.1. */
const offsets = {
  aws: { api: 10, edge: 11, s3: 12, sqs: 13, dynamodb: 14, lambda: 15 },
  azure: { api: 20, edge: 21, blob: 22, queue: 23, cosmos: 24, azuriteBlob: 25 },
} as const

/** Where people sign in, when that was asked for: of neither site. */
const issuerOffset = 30
const offsetMax = issuerOffset
export const portBaseMax = 65_535 - offsetMax

/** The port of every listener, by site and listener. */
export const portsFrom = (base: number) => ({
  aws: mapValues(offsets.aws, (offset) => base + offset),
  azure: mapValues(offsets.azure, (offset) => base + offset),
})

export const issuerPortFrom = (base: number): number => base + issuerOffset

/** Base URLs without a slash at their end. */
export const urlsFrom = (base: number) => {
  const ports = portsFrom(base)
  return { aws: mapValues(ports.aws, urlOf), azure: mapValues(ports.azure, urlOf) }
}

export type Urls = ReturnType<typeof urlsFrom>

/** Every port with the name a person would know it by. */
export const namedPorts = (base: number): { readonly site: Site; readonly name: string; readonly port: number }[] =>
  (['aws', 'azure'] as const).flatMap((site) =>
    Object.entries(offsets[site]).map(([name, offset]) => ({ site, name: `${site} ${name}`, port: base + offset })),
  )

const urlOf = (port: number): string => `http://127.0.0.1:${port}`

function mapValues<Name extends string, From, To>(
  values: Readonly<Record<Name, From>>,
  change: (value: From) => To,
): Readonly<Record<Name, To>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value as From)])) as Record<
    Name,
    To
  >
}
