import type { DatagramSocket, DatagramSockets } from '../../../src/ports/datagram-sockets.js';
import type { Datagram } from '../../../src/ports/datagram.js';
import type { FakeClock } from './fake-clock.js';
import { FakeSocket, overwritePacket } from './fake-socket.js';

/** A datagram in transit between two ports of the host. */
export interface Passing {
  readonly at: number;
  readonly bytes: Uint8Array;
  /** The destination; the host has every address. */
  readonly to: { readonly address: string; readonly port: number };
}

/** UDP sockets of one fake host. A sent datagram arrives in the clock's next turn. */
export class MemoryNetwork implements DatagramSockets {
  /** If false, every datagram is lost. */
  connected = true;
  /** Whether a datagram arrives while the network is connected. */
  passes: (datagram: Passing) => boolean = () => true;
  /** Addresses to which sending fails, with the error code. */
  readonly refused = new Map<string, string>();
  /** Local addresses to which no socket can bind, with the error code. */
  readonly unbindable = new Map<string, string>();
  /** All datagrams sent, except refused ones. */
  readonly sent: Passing[] = [];
  /** The source address of replies; default the address that received the request. */
  answerFrom: string | undefined;
  /** The number of sockets opened. */
  opened = 0;
  readonly #clock: FakeClock;
  readonly #sockets = new Map<number, MemorySocket>();
  /** The address at which one port last reached another, which replies from there. */
  readonly #answersFrom = new Map<string, string>();
  #nextPort = 40_000;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  /** The number of open sockets. */
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
      else {
        const unsent = { ...datagram, bytes: datagram.bytes.slice() };
        this.#clock.defer(() => socket.fail(systemError('send', refusal), unsent));
      }
    });
    this.#sockets.set(localPort, socket);
    return socket;
  }

  /** Delivers a datagram with a forged source. */
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
    for (const datagram of datagrams) {
      this.#transmit(datagram);
      overwritePacket(datagram.bytes);
    }
  }
}
