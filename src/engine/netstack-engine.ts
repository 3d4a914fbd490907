/**
 * WireGuard under a TCP/IP stack, as one pure machine: datagrams in, datagrams out, one deadline.
 *
 * The caller mutates it (handleDatagrams, handleTimeout, a call on the stack) and then calls
 * drain() until it says that nothing is left; only then is nextTimeout() of any meaning.
 */
import type { Crypto } from '../crypto/crypto.js';
import type { WallClock } from '../lib/clock.js';
import type { Entropy } from '../lib/entropy.js';
import { packetInSlot } from '../lib/packet-slot.js';
import { Stack } from '../netstack/stack.js';
import type { CongestionAlgorithm } from '../netstack/tcp/congestion/congestion-control.js';
import type { IpAddress } from '../wire/ip-address.js';
import type { Datagram, Endpoint } from '../wireguard/datagram.js';
import { Device, type DeviceEvent } from '../wireguard/device.js';

export interface NetstackEngineOptions {
  /** The interface's X25519 private key, 32 bytes. */
  readonly privateKey: Uint8Array;
  /** The stack's own addresses inside the tunnel. */
  readonly addresses: readonly IpAddress[];
  /** The largest IP packet inside the tunnel, in bytes. */
  readonly mtu: number;
  /** How TCP shares the path; BBR by default. */
  readonly congestion?: CongestionAlgorithm | undefined;
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  /** The last TAI64N stamp of an earlier process with this key. */
  readonly lastTimestamp?: Uint8Array | undefined;
  /** Called with each TAI64N stamp before the initiation that bears it leaves. */
  readonly onTimestamp?: ((timestamp: Uint8Array) => void) | undefined;
  /** Called with each ephemeral private key; wiped afterwards. */
  readonly onEphemeralKey?: ((privateKey: Uint8Array) => void) | undefined;
  /** Called with each IP packet inside the tunnel; the bytes must be copied. */
  readonly onInnerPacket?: ((direction: 'in' | 'out', packet: Uint8Array) => void) | undefined;
}

/** Packets that one drain() hands to WireGuard at most. */
const DRAIN_BUDGET = 256;

export class NetstackEngine {
  readonly device: Device;
  readonly stack: Stack;
  #transmits: Datagram[] = [];
  readonly #packets: Uint8Array[] = [];
  readonly #onInnerPacket: NetstackEngineOptions['onInnerPacket'];
  #now: number;

  constructor(options: NetstackEngineOptions, now: number) {
    const { privateKey, crypto, entropy, wallClock, mtu, addresses, congestion } = options;
    this.#now = now;
    this.#onInnerPacket = options.onInnerPacket;
    this.stack = new Stack({ addresses, mtu, entropy, congestion }, now);
    this.device = new Device({
      privateKey,
      crypto,
      entropy,
      wallClock,
      mtu,
      lastTimestamp: options.lastTimestamp,
      onTimestamp: options.onTimestamp,
      onEphemeralKey: options.onEphemeralKey,
      sink: {
        transmit: (bytes: Uint8Array, endpoint: Endpoint) => {
          this.#transmits.push({ bytes, endpoint });
        },
        deliver: (packet: Uint8Array) => {
          this.#onInnerPacket?.('in', packet);
          this.stack.handlePacket(packet, this.#now);
        },
      },
    });
  }

  /** Takes what arrived. The bytes become the engine's: they are decrypted in place. */
  handleDatagrams(datagrams: readonly Datagram[], now: number): void {
    this.#now = now;
    this.device.handleDatagrams(datagrams, now);
  }

  /** Does what is due at `now`; harmless when nothing is. */
  handleTimeout(now: number): void {
    this.#now = now;
    this.stack.handleTimeout(now);
    this.device.handleTimeout(now);
  }

  /**
   * One batch of datagrams to send.
   *
   * @returns `more`: the budget ended before the work did, so call again
   */
  drain(now: number): { datagrams: readonly Datagram[]; more: boolean } {
    this.#now = now;
    const more = this.stack.drain((slot) => this.#packets.push(slot), now, DRAIN_BUDGET);
    if (this.#packets.length > 0) {
      if (this.#onInnerPacket !== undefined) {
        for (const slot of this.#packets) this.#onInnerPacket('out', packetInSlot(slot));
      }
      this.device.sendPackets(this.#packets, now);
      this.#packets.length = 0;
    }
    const datagrams = this.#transmits;
    if (datagrams.length > 0) this.#transmits = [];
    return { datagrams, more };
  }

  /** When handleTimeout() is due next, in the milliseconds of `now`; Infinity when never. */
  nextTimeout(): number {
    return Math.min(this.device.nextTimeout(), this.stack.nextTimeout());
  }

  /**
   * What happened to the tunnel since the last call, oldest first; undefined when nothing. A handshake
   * that is complete makes more of it due: nextTimeout() is to be asked afterwards.
   */
  pollEvent(): DeviceEvent | undefined {
    const event = this.device.pollEvent();
    if (event?.type === 'handshake-complete') {
      // What left under a session that the peer had lost is lost, too; TCP alone would wait its backoff.
      const { peer, now } = event;
      this.stack.retransmitNow((remote) => this.device.peerFor(remote) === peer, now);
    }
    return event;
  }

  /** Ends all connections without a word and wipes all keys. */
  close(): void {
    this.device.close();
  }
}

export type { Device, DeviceEvent, SilenceReason } from '../wireguard/device.js';
export type { Peer } from '../wireguard/peer.js';
export type { CongestionAlgorithm } from '../netstack/tcp/congestion/congestion-control.js';
export type { KeepAlive, TcpConnection, TcpInfo } from '../netstack/tcp/connection.js';
export type { TcpListener } from '../netstack/tcp/listener.js';
export { StackExhaustedError } from '../netstack/stack.js';
export type { TcpObserver } from '../netstack/tcp/observer.js';
export type { UdpError, UdpSocket } from '../netstack/udp/udp-socket.js';
