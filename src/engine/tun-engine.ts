/** WireGuard below a kernel tun device, whose frames start with a virtio_net_hdr. */
import { clearList } from '../lib/clear-list.js';
import { packetInSlot, PacketSlots } from '../lib/packets/packet-slot.js';
import type { Datagram } from '../ports/datagram.js';
import { Device, type DeviceEvent } from '../wireguard/device.js';
import type { Batch, Engine, EngineObserver, EngineOptions } from './engine.js';
import { HostUnreachable } from './host-unreachable.js';
import { Transmits } from './transmits.js';
import { TcpCoalescer, type WriteFrame } from './tun/coalescing.js';
import { segment } from './tun/segmentation.js';

export interface TunEngineOptions extends EngineOptions {
  readonly writeFrame: WriteFrame;
}

export class TunEngine implements Engine {
  readonly device: Device;
  readonly #transmits = new Transmits();
  readonly #packets: Uint8Array[] = [];
  readonly #slots = new PacketSlots();
  readonly #coalescer: TcpCoalescer;
  readonly #innerPacket: EngineObserver['innerPacket'];
  readonly #batch: Batch = { datagrams: [], more: false };
  readonly #enqueue = (slot: Uint8Array): unknown => this.#packets.push(slot);

  constructor(options: TunEngineOptions) {
    this.#innerPacket = options.observer?.innerPacket;
    this.#coalescer = new TcpCoalescer(options.writeFrame);
    const unreachable = new HostUnreachable(options.mtu);
    this.device = new Device({
      ...options,
      sink: {
        transmit: (bytes, endpoint, trafficClass, isSourceInDoubt) => {
          this.#transmits.add(bytes, endpoint, trafficClass, isSourceInDoubt);
        },
        deliver: (packet) => {
          this.#innerPacket?.('in', packet);
          this.#coalescer.add(packet);
        },
        unreachable: (slot, _reason, now) => {
          const error = unreachable.about(slot, now);
          if (error === undefined) return;
          const packet = packetInSlot(error);
          this.#innerPacket?.('in', packet);
          this.#coalescer.add(packet);
        },
      },
    });
  }

  /** Accepts frames, each with a virtio_net_hdr before its packet. The packets are sent by drain(). */
  handleFrames(frames: readonly Uint8Array[]): void {
    // segment() drops a malformed frame, which the kernel never writes.
    for (const frame of frames) segment(frame, this.#slots, this.#enqueue);
  }

  handleDatagrams(datagrams: readonly Datagram[], now: number): void {
    this.device.handleDatagrams(datagrams, now);
    this.#coalescer.flush();
  }

  handleTimeout(now: number): void {
    this.device.handleTimeout(now);
  }

  drain(now: number): Readonly<Batch> {
    if (this.#packets.length > 0) {
      if (this.#innerPacket !== undefined) {
        for (const slot of this.#packets) this.#innerPacket('out', packetInSlot(slot));
      }
      this.device.sendPackets(this.#packets, now);
      clearList(this.#packets);
    }
    this.#batch.datagrams = this.#transmits.take();
    return this.#batch;
  }

  recycle(): void {
    this.#transmits.recycle();
    const waiting = this.#packets.length + this.#transmits.length + this.device.stagedPackets;
    if (waiting === 0) this.#slots.recycle();
  }

  discard(): void {
    this.#slots.recycle();
  }

  nextTimeout(): number {
    return this.device.nextTimeout();
  }

  pollEvent(): DeviceEvent | undefined {
    return this.device.pollEvent();
  }

  close(): void {
    this.device.close();
  }
}
