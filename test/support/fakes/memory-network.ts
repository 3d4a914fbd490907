import type { DatagramSocket, DatagramSockets } from '../../../src/ports/datagram-sockets.js';
import type { Datagram } from '../../../src/ports/datagram.js';
import type { FakeClock } from './fake-clock.js';
import { FakeSocket } from './fake-socket.js';

/** A datagram on its way from one port of the host to another. */
export interface Passing {
  readonly at: number;
  readonly bytes: Uint8Array;
  /** Where it was sent: the host has every address. */
  readonly to: { readonly address: string; readonly port: number };
}

/** UDP sockets of one imaginary host: what is sent arrives in the clock's next turn. */
export class MemoryNetwork implements DatagramSockets {
  /** False loses everything. */
  connected = true;
  /** What of it arrives, where it is connected. */
  passes: (datagram: Passing) => boolean = () => true;
  /** Addresses that the system refuses to send to, with the code of the error. */
  readonly refused = new Map<string, string>();
  /** Local addresses that no socket can be bound to, with the code of the error. */
  readonly unbindable = new Map<string, string>();
  /** All that was sent and not refused. */
  readonly sent: Passing[] = [];
  /** Where a port that was spoken to answers from, in the place of where it was spoken to. */
  answerFrom: string | undefined;
  /** How many sockets were opened. */
  opened = 0;
  readonly #clock: FakeClock;
  readonly #sockets = new Map<number, MemorySocket>();
  /** The address by which one port was last spoken to by another: it answers from there. */
  readonly #answersFrom = new Map<string, string>();
  #nextPort = 40_000;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  /** Sockets that nobody has closed. */
  get openSockets(): number {
    return [...this.#sockets.values()].filter(({ closed }) => !closed).length;
  }

  async open({ address, port }: { address: string; port: number }): Promise<DatagramSocket> {
    await Promise.resolve();
    const code = this.unbindable.get(address);
    if (code !== undefined) throw systemError('bind', code);
    this.opened++;
    const localPort = port === 0 ? this.#nextPort++ : port;
    const socket: MemorySocket = new MemorySocket(address, localPort, (datagram) => {
      const refusal = this.refused.get(datagram.endpoint.address);
      if (refusal === undefined) this.#transmit(localPort, datagram);
      else this.#clock.defer(() => socket.fail(systemError('send', refusal), datagram));
    });
    this.#sockets.set(localPort, socket);
    return socket;
  }

  /** A datagram whose source somebody has forged. */
  forge(source: Datagram['endpoint'], port: number, bytes: Uint8Array): void {
    this.#clock.defer(() =>
      this.#sockets.get(port)?.receive({ bytes: bytes.slice(), endpoint: source }),
    );
  }

  #transmit(localPort: number, { bytes: lent, endpoint: to }: Datagram): void {
    const bytes = lent.slice();
    const passing = { at: this.#clock.now(), bytes: bytes.slice(), to };
    this.sent.push(passing);
    this.#answersFrom.set(`${to.port} to ${localPort}`, to.address);
    const spokenTo = this.#answersFrom.get(`${localPort} to ${to.port}`);
    const address = (spokenTo && this.answerFrom) ?? spokenTo ?? '127.0.0.1';
    const endpoint = { address, port: localPort };
    this.#clock.defer(() => {
      const receiver = this.#sockets.get(to.port);
      if (this.connected && receiver?.closed === false && this.passes(passing)) {
        receiver.receive({ bytes, endpoint });
      }
    });
  }
}

export function systemError(call: string, code: string): Error {
  return Object.assign(new Error(`${call} ${code}`), { code });
}

class MemorySocket extends FakeSocket {
  override readonly localAddress: string;
  override readonly localPort: number;
  readonly #transmit: (datagram: Datagram) => void;

  constructor(address: string, port: number, transmit: (datagram: Datagram) => void) {
    super();
    this.localAddress = address;
    this.localPort = port;
    this.#transmit = transmit;
  }

  override send(datagrams: readonly Datagram[]): void {
    for (const datagram of datagrams) this.#transmit(datagram);
  }
}
