import type { DatagramSocket } from '../../../src/ports/datagram-sockets.js';
import type { Datagram } from '../../../src/ports/datagram.js';

/** The type of a data message (whitepaper 5.4.6). */
const DATA = 4;

/** Overwrites a sent packet's slot, because a device uses it again for other packets. */
export function overwritePacket(message: Uint8Array): void {
  if (message[0] === DATA) message.fill(0xee);
}

/** A datagram socket that records sent datagrams and receives those that a test passes in. */
export class FakeSocket implements DatagramSocket {
  readonly localAddress: string = '0.0.0.0';
  readonly localPort: number = 40_000;
  readonly sent: Datagram[] = [];
  queuedBytes = 0;
  closed = false;
  onReceive: (datagrams: readonly Datagram[]) => void = () => undefined;
  onDrain: () => void = () => undefined;
  onError: (error: Error, unsent?: Datagram) => void = () => undefined;

  get isFlushed(): boolean {
    return this.queuedBytes === 0;
  }

  send(datagrams: readonly Datagram[]): void {
    for (const datagram of datagrams) {
      this.sent.push({ ...datagram, bytes: datagram.bytes.slice() });
      overwritePacket(datagram.bytes);
    }
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  receive(...datagrams: Datagram[]): void {
    const copies = datagrams.map((datagram) => ({ ...datagram, bytes: datagram.bytes.slice() }));
    this.onReceive(copies);
    // Overwrite everything, because a real socket reuses its memory, its objects and its array.
    for (const copy of copies.splice(0)) {
      copy.bytes.fill(0xee);
      Object.assign(copy, { bytes: new Uint8Array(), endpoint: { address: '::', port: 0 } });
    }
  }

  drain(): void {
    this.queuedBytes = 0;
    this.onDrain();
  }

  fail(error: Error, unsent?: Datagram): void {
    this.onError(error, unsent);
  }
}
