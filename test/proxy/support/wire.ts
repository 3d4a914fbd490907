/** One end of a TCP connection, as latin1 text: the received bytes, and how it ended. */
import { connect, type Socket } from 'node:net';

/** `fin`: the other side ended in order. Otherwise the code of the error, or `closed`. */
export type Ending = 'fin' | 'closed' | (string & {});

export class Wire {
  readonly socket: Socket;
  received = '';
  /** How the connection ended; undefined until then. */
  ending: Ending | undefined;
  #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.received += bytes.toString('latin1');
      this.#wake();
    });
    socket.on('end', () => this.#end('fin'));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
    socket.on('close', () => this.#end('closed'));
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Resolves when `received` has the text, with all bytes received up to now. */
  async until(text: string | RegExp): Promise<string> {
    const found = () =>
      typeof text === 'string' ? this.received.includes(text) : text.test(this.received);
    await this.#when(() => found() || this.ending !== undefined);
    if (!found()) {
      throw new Error(`ended by ${this.ending ?? ''} without ${text.toString()}: ${this.received}`);
    }
    return this.received;
  }

  /** Resolves with the head of the received request. */
  async request(): Promise<string> {
    const received = await this.until('\r\n\r\n');
    return received.slice(0, received.indexOf('\r\n\r\n') + 4);
  }

  /** Resolves when the connection has ended, with how it ended. */
  async ended(): Promise<Ending> {
    await this.#when(() => this.ending !== undefined);
    return this.ending ?? 'closed';
  }

  async #when(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #end(ending: Ending): void {
    this.ending ??= ending;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** A client that sends exact bytes. */
export function rawClient(url: string): Wire {
  const { hostname, port } = new URL(url);
  return new Wire(connect({ host: hostname, port: Number(port), allowHalfOpen: true }));
}
