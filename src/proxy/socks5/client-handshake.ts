/** Reads the handshake messages of a SOCKS client, which may arrive in parts or all at once. */
import type { Socket } from 'node:net';

/** Milliseconds for the whole handshake. */
const HANDSHAKE_TIMEOUT = 30_000;

export class ClientHandshake {
  readonly #socket: Socket;
  readonly #advance: (received: Buffer) => number;
  readonly #timer: NodeJS.Timeout;
  #received: Buffer = Buffer.alloc(0);
  #isOver = false;

  /**
   * @param socket the connection, whose first bytes are still unread
   * @param advance handles the first message in `received` and returns its length, or 0 if the
   * message is incomplete. It must refuse a message that is longer than the protocol allows, so
   * that the buffer stays at most one chunk longer than a message.
   */
  constructor(socket: Socket, advance: (received: Buffer) => number) {
    this.#socket = socket;
    this.#advance = advance;
    this.#timer = setTimeout(() => socket.destroy(), HANDSHAKE_TIMEOUT);
    socket.on('error', () => undefined);
    socket.once('close', this.#onClose);
    socket.on('readable', this.#onReadable);
    socket.once('end', this.#onEnd);
  }

  /** Reads what has arrived already. */
  start(): void {
    this.#onReadable();
  }

  /**
   * Ends the handshake. Returns unread bytes to the socket, except for the last message.
   *
   * @param length the length of the last message
   */
  finish(length = this.#received.length): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    socket.off('readable', this.#onReadable);
    socket.off('end', this.#onEnd);
    socket.off('close', this.#onClose);
    const rest = this.#received.subarray(length);
    if (rest.length > 0 && !socket.destroyed) socket.unshift(rest);
    this.#received = Buffer.alloc(0);
  }

  readonly #onClose = (): void => clearTimeout(this.#timer);

  /** Closes the connection if the client ends it before the handshake is over. */
  readonly #onEnd = (): void => void this.#socket.destroy();

  readonly #onReadable = (): void => {
    let chunk: Buffer | null;
    while (!this.#isOver && (chunk = this.#socket.read() as Buffer | null) !== null) {
      this.#received = Buffer.concat([this.#received, chunk]);
      while (this.#handleMessage());
    }
  };

  #handleMessage(): boolean {
    const length = this.#advance(this.#received);
    if (length === 0 || this.#isOver) return false;
    this.#received = this.#received.subarray(length);
    return this.#received.length > 0;
  }
}
