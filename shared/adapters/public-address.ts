import { BlockList, isIP } from 'node:net'
import { CatamaranError } from '../domain/errors.ts'

/** Not on the public internet: IANA's special-purpose registries for IPv4 and IPv6, and what carries IPv4 inside of IPv6. */
const reserved4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Both clouds tell a machine its credentials at 169.254.169.254.
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]
/** Azure's own services to its machines, at an address that looks public. */
const azureHost = '168.63.129.16'

/** Only 2000::/3 is given out; within it, these are not public, or name an IPv4 address. */
const reserved6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
]

const blocked = new BlockList()
for (const [net, bits] of reserved4) blocked.addSubnet(net, bits, 'ipv4')
blocked.addAddress(azureHost, 'ipv4')
for (const [net, bits] of reserved6) blocked.addSubnet(net, bits, 'ipv6')

const given = new BlockList()
given.addSubnet('2000::', 3, 'ipv6')

/** Whether an IP address, as text, is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !blocked.check(address, 'ipv4')
  if (family !== 6 || address.includes('%')) return false
  return given.check(address, 'ipv6') && !blocked.check(address, 'ipv6')
}

const urlCharsMax = 2_048

/**
 * An address that a user named, as far as it can be judged without looking its name up: https, no user name, a public name or
 * address. With `allowPrivate`, for local development, plain HTTP and any host. Throws `forbidden`.
 */
export function publicUrl(text: string, { allowPrivate }: { readonly allowPrivate: boolean }): URL {
  const refused = (detail: string): CatamaranError => new CatamaranError('forbidden', detail)
  const url = text.length <= urlCharsMax && URL.canParse(text) ? new URL(text) : undefined
  if (!url) throw refused(`It is not a URL of at most ${urlCharsMax} characters`)
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) throw refused('It must be an https URL')
  if (url.username !== '' || url.password !== '') throw refused('It must not hold a user name or a password')
  if (allowPrivate) return url
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) === 0 ? !host.includes('.') : !isPublicAddress(host)) throw refused(`${host} is not a public address`)
  return url
}
