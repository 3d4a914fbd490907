import type { EchoSocket } from '../../engine/netstack-engine.js';
import type { EchoChannel, EchoEvent } from '../../proxy/echo-dialer.js';
import type { ReceiveQueue } from '../../lib/receive-queue.js';
import type { DialError } from '../../proxy/dialer.js';
import { formatIpAddress, type IpAddress } from '../../wire/ip-address.js';
import { echoErrorText } from './echo-error-text.js';
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
