/** Opens UDP ports through an engine: the DatagramDialer that the proxies know. */
import type { NetstackEngine } from '../engine/netstack-engine.js';
import type { DatagramChannel, DatagramDialer } from '../proxy/datagram-dialer.js';
import { DialError, type DialTarget } from '../proxy/dialer.js';
import { parseIpAddress } from '../wire/ip-address.js';
import { TunnelDatagramChannel } from './datagram-channel.js';
import type { Driver } from './driver.js';
import { TunnelError } from './tunnel-error.js';

/** A peer that does not answer a handshake for this long, over two initiations, is silent. */
const SILENCE_TIMEOUT = 10_000;

/** Channels at once, so that no user of the tunnel takes all of its ports. */
const MAX_CHANNELS = 1024;

export interface DatagramDialerOptions {
  readonly engine: NetstackEngine;
  readonly driver: Driver;
  /** The largest IP packet inside the tunnel, in bytes. */
  readonly mtu: number;
  /** Resolves as soon as the tunnel has a session, rejects with TunnelError at the deadline. */
  readonly waitForHandshake: (deadline: number, signal?: AbortSignal) => Promise<void>;
}

export class TunnelDatagramDialer implements DatagramDialer {
  readonly #options: DatagramDialerOptions;
  readonly #channels = new Set<TunnelDatagramChannel>();
  #closed = false;

  constructor(options: DatagramDialerOptions) {
    this.#options = options;
  }

  /** Closes every channel; what waits at one rejects. */
  close(): void {
    this.#closed = true;
    for (const channel of [...this.#channels]) channel.close();
  }

  async open(target: DialTarget, signal?: AbortSignal): Promise<DatagramChannel> {
    signal?.throwIfAborted();
    const address = parseIpAddress(target.host);
    if (address === undefined) {
      throw new DialError('no-route', `${target.host} is not an IP address`);
    }
    await this.#waitForSession(target.host, address, signal);
    this.#requireOpen();
    if (this.#channels.size >= MAX_CHANNELS) {
      throw new DialError('exhausted', 'too many UDP ports at once');
    }
    const { engine, driver, mtu } = this.#options;
    const channel = new TunnelDatagramChannel(
      { engine, driver, mtu, onClose: () => void this.#channels.delete(channel) },
      { address, port: target.port },
    );
    this.#channels.add(channel);
    return channel;
  }

  /** A datagram that cannot leave would be lost without a word: better to say so before. */
  async #waitForSession(
    host: string,
    address: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    this.#requireOpen();
    const { engine, driver, waitForHandshake } = this.#options;
    const peer = engine.device.peerFor(address);
    if (peer === undefined)
      throw new DialError('no-route', `${host} is outside of the allowed IPs`);
    const now = driver.now();
    if (peer.hasSession(now)) return;
    engine.device.initiateHandshake(peer, now);
    driver.schedule();
    try {
      await waitForHandshake(now + SILENCE_TIMEOUT, signal);
    } catch (error) {
      this.#requireOpen();
      if (!(error instanceof TunnelError)) throw error;
      const text = 'the Arc server is silent: it answers no handshake';
      throw new DialError('no-handshake', text, { cause: error });
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw new DialError('closed', 'the tunnel is closing');
  }
}
