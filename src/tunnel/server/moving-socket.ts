import { codeOf } from '../../lib/errors/error-message.js';
import { familyOf } from './address-order.js';
import { SerialQueue } from '../../lib/serial-queue.js';
import type { Clock, Timer } from '../../ports/clock.js';
import type { DatagramSocket, DatagramSockets } from '../../ports/datagram-sockets.js';
import type { Datagram } from '../../ports/datagram.js';
import { OuterTraffic } from '../traffic/outer-traffic.js';

/** The minimum interval in milliseconds between two new sockets; the interval doubles each time. */
const SHORTEST_INTERVAL = 1_000;
const LONGEST_INTERVAL = 32_000;

/** The maximum number of datagrams queued for a socket; further ones are dropped. */
const MAX_WAITING = 128;

/** The pause in milliseconds after the system runs out of buffers (ENOBUFS, EAGAIN). */
const PAUSE = 50;

/** The socket is treated as broken after this many milliseconds without free buffers. */
const LONGEST_PRESSURE = 5_000;

const PRESSURE = new Set(['ENOBUFS', 'EAGAIN', 'EWOULDBLOCK']);

/** The type of a handshake initiation (whitepaper 5.4.2). */
const INITIATION = 1;

/** The binding for later sockets. Undefined properties stay unchanged. */
interface LocalChange {
  readonly port?: number;
  readonly fwmark?: number;
}

/**
 * A datagram socket that survives network changes: it opens a system socket of the destination's
 * family, and remake() replaces that socket after a network change.
 *
 * The old system socket is used until the new one is open. A datagram that no socket accepts is
 * reported through `onError`, like a datagram that the system rejects.
 */
export class MovingSocket implements DatagramSocket {
  onReceive: (datagrams: readonly Datagram[]) => void = () => undefined;
  onDrain: () => void = () => undefined;
  onError: (error: Error, unsent?: Datagram) => void = () => undefined;
  readonly #sockets: DatagramSockets;
  readonly #clock: Clock;
  readonly #traffic: OuterTraffic;
  readonly #waiting: Datagram[] = [];
  #waitingBytes = 0;
  #socket: DatagramSocket | undefined;
  #family: 4 | 6 | undefined;
  #opening: Promise<void> | undefined;
  readonly #rebinds = new SerialQueue();
  readonly #closing = new Set<Promise<void>>();
  #madeAt = -Infinity;
  #interval = SHORTEST_INTERVAL;
  #pause: Timer | undefined;
  /** The time at which the system ran out of buffers, if no datagram has been sent since. */
  #pressedSince: number | undefined;
  #closed = false;
  /** The port and mark for each new socket. The socket's address depends on its family. */
  #binding = { port: 0, fwmark: 0 };

  /** @param traffic counts the datagrams that system sockets send and receive */
  constructor(sockets: DatagramSockets, clock: Clock, traffic = new OuterTraffic()) {
    this.#sockets = sockets;
    this.#clock = clock;
    this.#traffic = traffic;
  }

  /** The local address; empty before the first datagram. */
  get localAddress(): string {
    return this.#socket?.localAddress ?? '';
  }

  /** The local port; 0 before the first datagram. */
  get localPort(): number {
    return this.#socket?.localPort ?? 0;
  }

  /** The number of bytes queued for sending; Infinity while the system is out of buffers. */
  get queuedBytes(): number {
    if (this.#pause !== undefined) return Infinity;
    return this.#waitingBytes + (this.#socket?.queuedBytes ?? 0);
  }

  get isFlushed(): boolean {
    if (this.#waiting.length > 0 || this.#closing.size > 0) return false;
    return this.#socket?.isFlushed !== false;
  }

  send(datagrams: readonly Datagram[]): void {
    if (this.#closed || datagrams.length === 0) return;
    if (datagrams.every(({ endpoint }) => familyOf(endpoint.address) === this.#family)) {
      this.#sendNow(datagrams);
      return;
    }
    const now: Datagram[] = [];
    for (const datagram of datagrams) {
      if (familyOf(datagram.endpoint.address) === this.#family) now.push(datagram);
      else this.#wait(datagram);
    }
    if (now.length > 0) this.#sendNow(now);
    this.#openForWaiting();
  }

  #sendNow(datagrams: readonly Datagram[]): void {
    if (this.#socket === undefined || this.#family === undefined) return;
    // Count first, because send() may report a datagram as unsent before it returns.
    for (const { bytes } of datagrams) this.#traffic.sent.count(bytes, this.#family);
    this.#socket.send(datagrams);
  }

  /** Opens a new socket after a network change, unless the current socket is too recent. */
  remake(): void {
    if (this.#closed || this.#opening !== undefined || this.#family === undefined) return;
    if (this.#clock.now() - this.#madeAt < this.#interval) return;
    this.#interval = Math.min(this.#interval * 2, LONGEST_INTERVAL);
    this.#open(this.#family);
  }

  /** The mark on sent datagrams; 0 for no mark. */
  get fwmark(): number {
    return this.#binding.fwmark;
  }

  /**
   * Replaces the socket to change its port (0 for any) or mark; later sockets use the same values.
   * Before the first datagram is sent, no socket exists, so this cannot fail.
   *
   * @throws Error with the system's `code`; the old socket then remains
   */
  rebind(change: LocalChange): Promise<void> {
    return this.#rebinds.run(() => this.#rebind(change));
  }

  async #rebind(change: LocalChange): Promise<void> {
    await this.#opening;
    const binding = { ...this.#binding, ...change };
    const { port, fwmark } = this.#binding;
    const family = this.#family;
    const isSame = binding.fwmark === fwmark && [port, this.localPort].includes(binding.port);
    if (family !== undefined && !isSame && !this.#closed) {
      this.#use(await this.#make(family, binding), family);
    }
    this.#binding = binding;
  }

  /**
   * Resets the interval between new sockets, because a message from the peer proves that the
   * current socket works.
   */
  proved(): void {
    this.#interval = SHORTEST_INTERVAL;
    this.#pressedSince = undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#pause?.cancel();
    await this.#opening;
    await this.#rebinds.run(() => Promise.resolve());
    this.#retire();
    await Promise.all(this.#closing);
  }

  #wait(datagram: Datagram): void {
    if (this.#waiting.length >= MAX_WAITING) return;
    this.#waiting.push(datagram);
    this.#waitingBytes += datagram.bytes.length;
  }

  #openForWaiting(): void {
    const first = this.#waiting[0];
    if (first !== undefined && this.#opening === undefined) {
      this.#open(familyOf(first.endpoint.address));
    }
  }

  #open(family: 4 | 6): void {
    this.#madeAt = this.#clock.now();
    this.#opening = this.#make(family, this.#binding).then(
      (socket) => {
        this.#opening = undefined;
        this.#use(socket, family);
      },
      (error: unknown) => {
        this.#opening = undefined;
        this.#refuse(error as Error, family);
      },
    );
  }

  async #make(family: 4 | 6, binding: { port: number; fwmark: number }): Promise<DatagramSocket> {
    // Close the old socket first if it uses the requested port.
    if (binding.port !== 0 && binding.port === this.localPort) {
      this.#retire();
      await Promise.all(this.#closing);
    }
    return this.#sockets.open({ address: family === 6 ? '::' : '0.0.0.0', ...binding });
  }

  #use(socket: DatagramSocket, family: 4 | 6): void {
    this.#retire();
    this.#socket = socket;
    this.#family = family;
    socket.onReceive = (datagrams) => {
      // Count first, because the handler may overwrite the bytes.
      for (const { bytes } of datagrams) this.#traffic.received.count(bytes, family);
      this.onReceive(datagrams);
    };
    socket.onDrain = () => {
      // During a pause, the queue is empty only because the system rejected its datagrams, not
      // because buffers are free.
      if (this.#pause === undefined) this.#pressedSince = undefined;
      this.onDrain();
    };
    socket.onError = (error, unsent) => {
      if (unsent !== undefined) this.#traffic.sent.count(unsent.bytes, family, -1);
      this.#handleError(error, unsent);
    };
    // close() waits until this socket is open, then closes it.
    if (this.#closed) return;
    this.send(this.#takeWaiting());
    // Senders may be waiting for space in the old socket's queue, so let them continue.
    this.onDrain();
  }

  /** Reports the waiting datagrams as unsent, because their socket could not be opened. */
  #refuse(error: Error, family: 4 | 6): void {
    if (this.#closed) return;
    const [refused, others] = [[] as Datagram[], [] as Datagram[]];
    for (const datagram of this.#takeWaiting()) {
      (familyOf(datagram.endpoint.address) === family ? refused : others).push(datagram);
    }
    if (refused.length === 0) this.onError(error);
    for (const datagram of refused) this.onError(error, datagram);
    this.send(others);
    this.onDrain();
  }

  #takeWaiting(): Datagram[] {
    this.#waitingBytes = 0;
    return this.#waiting.splice(0);
  }

  #retire(): void {
    const old = this.#socket;
    if (old === undefined) return;
    this.#socket = undefined;
    this.#family = undefined;
    old.onReceive = () => undefined;
    old.onDrain = () => undefined;
    old.onError = () => undefined;
    const closing = old.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #handleError(error: Error, unsent: Datagram | undefined): void {
    if (this.#closed) return;
    if (!PRESSURE.has(codeOf(error) ?? '')) {
      this.onError(error, unsent);
      return;
    }
    const isLasting = this.#press();
    if (isLasting) this.remake();
    // Lost data is soon retransmitted, but the next initiation would be sent only 5 s later.
    if (isLasting || unsent?.bytes[0] === INITIATION) this.onError(error, unsent);
  }

  /** Pauses sending; returns true if no datagram was sent for LONGEST_PRESSURE. */
  #press(): boolean {
    const now = this.#clock.now();
    this.#pressedSince ??= now;
    this.#pause ??= this.#clock.startTimer(PAUSE, () => {
      this.#pause = undefined;
      this.onDrain();
    });
    return now - this.#pressedSince >= LONGEST_PRESSURE;
  }
}
