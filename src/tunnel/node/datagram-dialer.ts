/** Opens UDP flows through an engine: the DatagramDialer that the proxies use. */
import type { DatagramDialer } from '../../proxy/datagram-dialer.js';
import { DialError, type DialTarget } from '../../proxy/dialer.js';
import { type ChannelHost, TunnelDatagramChannel } from './datagram-channel.js';
import { type PeerSessionHost, waitForSession } from '../server/peer-session.js';
import { closingTunnel, routeTo } from '../server/route.js';

/**
 * The default maximum number of open channels, so that one user cannot use up the tunnel's ports.
 */
const MAX_CHANNELS = 1024;

export interface DatagramDialerOptions extends Omit<ChannelHost, 'onClose'>, PeerSessionHost {
  /** The maximum number of open channels; 1,024 by default. */
  readonly maxChannels?: number;
}

export class TunnelDatagramDialer implements DatagramDialer {
  readonly #options: DatagramDialerOptions;
  readonly #channels = new Set<TunnelDatagramChannel>();
  #closed = false;

  constructor(options: DatagramDialerOptions) {
    this.#options = options;
  }

  /** Closes all channels; pending receives reject. */
  close(): void {
    this.#closed = true;
    for (const channel of [...this.#channels]) channel.close();
  }

  async open(target: DialTarget, signal?: AbortSignal): Promise<TunnelDatagramChannel> {
    signal?.throwIfAborted();
    this.#requireOpen();
    const { engine, driver, mtu, silence, budget, maxChannels = MAX_CHANNELS } = this.#options;
    const { address, peer } = routeTo(target.host, engine, silence);
    await waitForSession(peer, this.#options, signal);
    this.#requireOpen();
    if (this.#channels.size >= maxChannels) {
      throw new DialError('exhausted', 'too many UDP ports are open');
    }
    const channel = new TunnelDatagramChannel(
      { engine, driver, mtu, budget, onClose: () => void this.#channels.delete(channel) },
      { address, port: target.port },
    );
    this.#channels.add(channel);
    return channel;
  }

  #requireOpen(): void {
    if (this.#closed) throw closingTunnel();
    this.#options.budget?.require();
  }
}
