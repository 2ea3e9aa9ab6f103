import { isIPv4, isIPv6 } from 'node:net'

const unknown = 'unknown'

/**
 * The client's address from X-Forwarded-For: the last entry, which the cloud's own front end has added, while a client may
 * have written the ones before it. Of an IPv6 address the /64 that one client has to itself. Both clouds may add a port.
 */
export function clientAddressOf(forwardedFor: string | undefined): string {
  const last = (forwardedFor ?? '').split(',').at(-1)?.trim() ?? ''
  const address = /^\[([^\]]+)\](?::\d+)?$/.exec(last)?.[1] ?? (/^([\d.]+):\d+$/.exec(last)?.[1] || last)
  if (isIPv4(address)) return address
  return isIPv6(address) ? networkOf(address) : unknown
}

function networkOf(address: string): string {
  const [head = '', tail] = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1).split('::')
  const [first, last] = [groupsOf(head), groupsOf(tail ?? '')]
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length
  return `${[...first, ...Array.from({ length: zeros }, () => '0'), ...last].slice(0, 4).join(':')}::/64`
}

const groupsOf = (text: string): string[] => (text === '' ? [] : text.split(':'))
