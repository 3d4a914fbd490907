import type { Datagram, DatagramSocket, DatagramSockets } from '../../src/tunnel/ports.js';
import type { FakeClock } from './fake-clock.js';
import { FakeSocket } from './fake-socket.js';

/** UDP sockets of one imaginary host: what is sent arrives in the clock's next turn. */
export class MemoryNetwork implements DatagramSockets {
  /** False loses everything. */
  connected = true;
  readonly #clock: FakeClock;
  readonly #sockets = new Map<number, MemorySocket>();
  #nextPort = 40_000;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  /** Sockets that nobody has closed. */
  get openSockets(): number {
    return [...this.#sockets.values()].filter(({ closed }) => !closed).length;
  }

  open({ address, port }: { address: string; port: number }): Promise<DatagramSocket> {
    const localPort = port === 0 ? this.#nextPort++ : port;
    const socket = new MemorySocket(address, localPort, (datagram, to) => {
      const bytes = datagram.slice();
      const from = { address: '127.0.0.1', port: localPort };
      this.#clock.defer(() => {
        if (this.connected) this.#sockets.get(to)?.receive({ bytes, endpoint: from });
      });
    });
    this.#sockets.set(localPort, socket);
    return Promise.resolve(socket);
  }
}

class MemorySocket extends FakeSocket {
  override readonly localAddress: string;
  override readonly localPort: number;
  readonly #transmit: (bytes: Uint8Array, port: number) => void;

  constructor(address: string, port: number, transmit: (bytes: Uint8Array, port: number) => void) {
    super();
    this.localAddress = address;
    this.localPort = port;
    this.#transmit = transmit;
  }

  override send(datagrams: readonly Datagram[]): void {
    for (const { bytes, endpoint } of datagrams) this.#transmit(bytes, endpoint.port);
  }
}
