/** Describes ICMP errors in the words of ping(8). */
import type { EchoError } from '../../engine/netstack-engine.js';

/** The codes of destination unreachable (RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1). */
const IPV4_UNREACHABLE: readonly string[] = [
  'Destination Net Unreachable',
  'Destination Host Unreachable',
  'Destination Protocol Unreachable',
  'Destination Port Unreachable',
  'Frag needed and DF set',
  'Source Route Failed',
  'Destination Net Unknown',
  'Destination Host Unknown',
  'Source Host Isolated',
  'Destination Net Prohibited',
  'Destination Host Prohibited',
  'Destination Net Unreachable for Type of Service',
  'Destination Host Unreachable for Type of Service',
  'Packet filtered',
  'Precedence Violation',
  'Precedence Cutoff',
];

/** The codes of destination unreachable (RFC 4443 3.1). */
const IPV6_UNREACHABLE: readonly string[] = [
  'No route',
  'Administratively prohibited',
  'Beyond scope of source address',
  'Address unreachable',
  'Port unreachable',
  'Source address failed ingress/egress policy',
  'Reject route to destination',
];

export function echoErrorText({ kind, type, code }: EchoError, isIpv6: boolean): string {
  switch (kind) {
    case 'unreachable':
    case 'port-unreachable':
      return isIpv6
        ? `Destination unreachable: ${IPV6_UNREACHABLE[code] ?? `Unknown code ${code}`}`
        : (IPV4_UNREACHABLE[code] ?? `Dest Unreachable, Bad Code: ${code}`);
    case 'time-exceeded':
      if (isIpv6) return `Time exceeded: ${code === 0 ? 'Hop limit' : 'Defragmentation failure'}`;
      return code === 0 ? 'Time to live exceeded' : 'Frag reassembly time exceeded';
    case 'too-big':
      return isIpv6 ? 'Packet too big' : 'Frag needed and DF set';
    case 'other':
      return `ICMP error: type ${type}, code ${code}`;
  }
}
