import type { EchoSocket, EchoError } from '../../engine/netstack-engine.js';
import type { EchoChannel, EchoEvent } from '../../proxy/echo-dialer.js';
import type { ReceiveQueue } from '../../lib/receive-queue.js';
import type { DialError } from '../../proxy/dialer.js';
import { formatIpAddress, type IpAddress } from '../../wire/ip-address.js';
import { addressGone, type ChannelHost, TunnelChannel } from './datagram-channel.js';

/** An echo socket of the netstack. */
export class TunnelEchoChannel extends TunnelChannel<EchoEvent, EchoSocket> implements EchoChannel {
  readonly address: string;

  constructor(host: ChannelHost, remote: IpAddress) {
    const isIpv6 = remote.length === 16;
    const { driver, engine } = host;
    const open = (queue: ReceiveQueue<EchoEvent, DialError>): EchoSocket =>
      engine.stack.openEcho(remote, {
        onReply: ({ hopLimit, ...reply }) =>
          queue.push({ kind: 'reply', at: driver.now(), ttl: hopLimit, ...reply }),
        onError: (error) =>
          queue.push({
            kind: 'error',
            sequence: error.sequence,
            at: driver.now(),
            from: formatIpAddress(error.from),
            text: echoErrorText(error, isIpv6),
          }),
        onAddressGone: () => queue.end(addressGone()),
      });
    super(host, isIpv6 ? 6 : 4, open, 'too many pings are running');
    this.address = formatIpAddress(remote);
  }

  send(sequence: number, payload: Uint8Array): number {
    this.requireSendable(payload);
    this.sent(this.socket.send(sequence, payload));
    return this.host.driver.now();
  }
}

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
