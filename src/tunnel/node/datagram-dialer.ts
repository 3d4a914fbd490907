/** Opens UDP flows through an engine: the DatagramDialer that the proxies use. */
import type { Peer } from '../../engine/engine.js';
import type { DatagramDialer } from '../../proxy/datagram-dialer.js';
import { DialError, type DialTarget } from '../../proxy/dialer.js';
import { type DatagramChannelHost, TunnelDatagramChannel } from './datagram-channel.js';
import {
  closingTunnel,
  routeTo,
  type PeerSilence,
  SILENCE_TIMEOUT,
  silentPeer,
} from '../server/route.js';
import { TunnelError } from '../tunnel-error.js';

/**
 * The default maximum number of open channels, so that one user cannot use up the tunnel's ports.
 */
const MAX_CHANNELS = 1024;

export interface DatagramDialerOptions extends Omit<DatagramChannelHost, 'onClose'> {
  /** Resolves when the tunnel has a session; rejects with TunnelError at the deadline. */
  readonly waitForHandshake: (deadline: number, signal?: AbortSignal) => Promise<void>;
  readonly silence: PeerSilence;
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
    const { engine, driver, mtu, silence, maxChannels = MAX_CHANNELS } = this.#options;
    const { address, peer } = routeTo(target.host, engine, silence);
    await this.#waitForSession(peer, signal);
    this.#requireOpen();
    if (this.#channels.size >= maxChannels) {
      throw new DialError('exhausted', 'too many UDP ports are open');
    }
    const channel = new TunnelDatagramChannel(
      { engine, driver, mtu, onClose: () => void this.#channels.delete(channel) },
      { address, port: target.port },
    );
    this.#channels.add(channel);
    return channel;
  }

  /** Waits for a session, because a datagram sent without one would be lost silently. */
  async #waitForSession(peer: Peer, signal: AbortSignal | undefined): Promise<void> {
    const { engine, driver, waitForHandshake, silence } = this.#options;
    const now = driver.now();
    if (peer.hasSession(now)) return;
    engine.device.initiateHandshake(peer, now);
    driver.schedule();
    try {
      await waitForHandshake(now + SILENCE_TIMEOUT, signal);
    } catch (error) {
      this.#requireOpen();
      if (!(error instanceof TunnelError)) throw error;
      throw silentPeer(silence.explain());
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw closingTunnel();
  }
}
