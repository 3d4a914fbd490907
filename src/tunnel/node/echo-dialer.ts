/** Opens echo channels through an engine: the EchoDialer of a tunnel. */
import { DialError } from '../../proxy/dialer.js';
import type { EchoChannel, EchoDialer, EchoOptions } from '../../proxy/echo-dialer.js';
import { parseIpAddress } from '../../wire/ip-address.js';
import type { NameResolver } from '../names/name-resolver.js';
import { familyOf } from '../server/address-order.js';
import { type PeerSessionHost, waitForSession } from '../server/peer-session.js';
import { closingTunnel, routeTo } from '../server/route.js';
import type { ChannelHost } from './datagram-channel.js';
import { TunnelEchoChannel } from './echo-channel.js';

/** The maximum number of open channels, so that one user cannot use up the stack's sockets. */
const MAX_CHANNELS = 256;

export interface EchoDialerOptions extends Omit<ChannelHost, 'onClose'>, PeerSessionHost {
  readonly names: Pick<NameResolver, 'resolve'>;
}

export class TunnelEchoDialer implements EchoDialer {
  readonly #options: EchoDialerOptions;
  readonly #channels = new Set<TunnelEchoChannel>();
  #closed = false;

  constructor(options: EchoDialerOptions) {
    this.#options = options;
  }

  /** Closes all channels; pending receives reject. */
  close(): void {
    this.#closed = true;
    for (const channel of [...this.#channels]) channel.close();
  }

  async open(host: string, { family, signal }: EchoOptions = {}): Promise<EchoChannel> {
    signal?.throwIfAborted();
    this.#requireOpen();
    const { engine, driver, mtu, budget } = this.#options;
    const { address, peer } = this.#route(await this.#resolve(host, family, signal));
    await waitForSession(peer, this.#options, signal);
    this.#requireOpen();
    if (this.#channels.size >= MAX_CHANNELS) {
      throw new DialError('exhausted', 'too many pings are running');
    }
    const onClose = () => void this.#channels.delete(channel);
    const channel = new TunnelEchoChannel({ engine, driver, mtu, budget, onClose }, address);
    this.#channels.add(channel);
    return channel;
  }

  /** Returns the host's addresses of the family, at least one. */
  async #resolve(
    host: string,
    family: 4 | 6 | undefined,
    signal: AbortSignal | undefined,
  ): Promise<readonly string[]> {
    const isAddress = parseIpAddress(host) !== undefined;
    const all = isAddress ? [host] : await this.#options.names.resolve(host, signal);
    const addresses = all.filter((text) => family === undefined || familyOf(text) === family);
    if (addresses.length > 0) return addresses;
    const what = isAddress ? 'is not' : 'does not have';
    throw new DialError('no-such-name', `${host} ${what} an IPv${family} address`);
  }

  /**
   * Returns the route to the first address that has one.
   * @throws DialError for the first address if no address has a route
   */
  #route(addresses: readonly string[]): ReturnType<typeof routeTo> {
    const { engine, silence } = this.#options;
    let failure: unknown;
    for (const address of addresses) {
      try {
        return routeTo(address, engine, silence);
      } catch (error) {
        failure ??= error;
      }
    }
    throw failure;
  }

  #requireOpen(): void {
    if (this.#closed) throw closingTunnel();
    this.#options.budget?.require();
  }
}
