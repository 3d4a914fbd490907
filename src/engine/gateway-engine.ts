/**
 * The TCP/IP stack above a kernel tun device, as the gateway for the programs that use the device.
 * Like the other engines, it is a state machine: after each input, the caller calls drain().
 */
import { packetInSlot, PacketSlots } from '../lib/packets/packet-slot.js';
import { Stack } from '../netstack/stack.js';
import type { GatewayHandlers } from '../netstack/gateway/gateway.js';
import type { StackLimits } from '../netstack/limits.js';
import type { Entropy } from '../ports/entropy.js';
import type { IpAddress } from '../wire/ip-address.js';
import { TcpCoalescer, type WriteFrame } from './tun/coalescing.js';
import { segment } from './tun/segmentation.js';

export interface GatewayEngineOptions {
  /** The addresses of the gateway itself, at which its own services listen. */
  readonly addresses: readonly IpAddress[];
  /** The MTU of the device. */
  readonly mtu: number;
  readonly entropy: Entropy;
  readonly handlers: GatewayHandlers;
  readonly writeFrame: WriteFrame;
}

/** The programs are on this machine, so small buffers are enough for a high rate. */
const LIMITS: Partial<StackLimits> = {
  connections: 2_048,
  timeWaits: 2_048,
  sendBuffer: 1024 * 1024,
  receiveBuffer: 1024 * 1024,
  bufferBytes: 64 * 1024 * 1024,
};

export class GatewayEngine {
  readonly stack: Stack;
  readonly #slots = new PacketSlots();
  readonly #coalescer: TcpCoalescer;

  /** @throws RangeError if an option is out of range */
  constructor(options: GatewayEngineOptions, now: number) {
    const { addresses, mtu, entropy, handlers: gateway } = options;
    // The device neither loses nor delays packets, so CUBIC, which does not pace, is sufficient.
    const congestion = 'cubic';
    this.stack = new Stack({ addresses, mtu, entropy, congestion, gateway, limits: LIMITS }, now);
    this.#coalescer = new TcpCoalescer(options.writeFrame);
  }

  /** Handles frames, each with a virtio_net_hdr before its packet; ignores malformed ones. */
  handleFrames(frames: readonly Uint8Array[], now: number): void {
    for (const frame of frames) {
      segment(frame, this.#slots, (slot) => this.stack.handlePacket(packetInSlot(slot), now));
    }
    this.#slots.recycle();
  }

  /** Releases the memory of packets that were not written. No other method may be called afterwards. */
  close(): void {
    this.stack.discard();
  }

  handleTimeout(now: number): void {
    this.stack.handleTimeout(now);
  }

  /** Returns when handleTimeout() is due next, in monotonic ms; Infinity if never. */
  nextTimeout(): number {
    return this.stack.nextTimeout();
  }

  /**
   * Writes one batch of packets to the device.
   *
   * @returns true if drain() must be called again
   */
  drain(now: number): boolean {
    const more = this.stack.drain((slot) => this.#coalescer.add(packetInSlot(slot)), now);
    this.#coalescer.flush();
    this.stack.recycle();
    return more;
  }
}

export type {
  ConnectionAttempt,
  DatagramFlow,
  ForeignEcho,
  GatewayHandlers,
  Unreachable,
} from '../netstack/gateway/gateway.js';
export type { TcpConnection } from '../netstack/tcp/connection.js';
export type { UdpSocket } from '../netstack/udp/udp-socket.js';
