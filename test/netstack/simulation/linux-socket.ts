/**
 * A server's socket with the behaviour of Linux 6.12 that decides what a client may conclude from an
 * RST: net/ipv4/tcp.c (tcp_close), tcp_input.c (tcp_rcv_state_process), tcp_minisocks.c
 * (tcp_timewait_state_process) and tcp_ipv4.c (tcp_v4_send_reset).
 */
import { ACK, FIN, PSH, RST, type Seg, type Sent } from '../tcp-harness.js';

/**
 * - `open`: the program reads, and may have closed its own direction
 * - `closed`: the program has called close(); arriving text is answered with an RST
 * - `gone`: the host has no socket
 */
export type SocketState = 'open' | 'closed' | 'gone';

export class LinuxSocket {
  state: SocketState = 'open';
  /** Octets that have arrived and that the program has not read. */
  unread = 0;
  readonly #send: (segment: Seg) => void;
  #sndNxt: number;
  #rcvNxt: number;
  #finSequence: number | undefined;
  #isFinAcknowledged = false;
  #owesAck = false;

  /** @param sndNxt and rcvNxt in the numbers of Seg, relative to each SYN */
  constructor(sndNxt: number, rcvNxt: number, send: (segment: Seg) => void) {
    this.#sndNxt = sndNxt;
    this.#rcvNxt = rcvNxt;
    this.#send = send;
  }

  /** Whether the socket has sent a FIN that is not acknowledged. */
  get repeatsFin(): boolean {
    return this.state !== 'gone' && this.#finSequence !== undefined && !this.#isFinAcknowledged;
  }

  /** @returns whether new text has arrived for the program */
  receives({ flags, seq, ack, len }: Sent): boolean {
    if (flags.includes('RST')) {
      this.state = 'gone';
      return false;
    }
    if (this.state === 'gone') {
      this.#send({ flags: RST, seq: ack });
      return false;
    }
    if (this.#finSequence !== undefined && ack > this.#finSequence) this.#isFinAcknowledged = true;
    if (len > 0 && this.state === 'closed' && seq + len > this.#rcvNxt) {
      this.state = 'gone';
      this.#send({ flags: RST, seq: ack });
      return false;
    }
    return this.#takeText(seq, len, flags.includes('FIN'));
  }

  #takeText(seq: number, len: number, hasFin: boolean): boolean {
    if (len === 0 && !hasFin) return false;
    this.#owesAck = true;
    if (seq !== this.#rcvNxt) {
      this.sendsAck();
      return false;
    }
    this.#rcvNxt += len + (hasFin ? 1 : 0);
    this.unread += len;
    return len > 0;
  }

  /** Sends the ACK that is owed, now or after a delay. */
  sendsAck(): void {
    if (!this.#owesAck || this.state === 'gone') return;
    this.#owesAck = false;
    this.#send({ flags: ACK, seq: this.#sndNxt, ack: this.#rcvNxt });
  }

  responds(length: number): void {
    if (this.state !== 'open' || this.#finSequence !== undefined) return;
    this.#owesAck = false;
    this.#send({ flags: PSH | ACK, seq: this.#sndNxt, ack: this.#rcvNxt, data: length });
    this.#sndNxt += length;
  }

  /** Calls shutdown(SHUT_WR): the program still reads. */
  shutsDown(): void {
    if (this.state === 'open' && this.#finSequence === undefined) this.#sendFin();
  }

  /** Calls close(): with unread text it aborts (RFC 2525 2.17). */
  closes(): void {
    if (this.state !== 'open') return;
    if (this.unread > 0) {
      this.aborts();
      return;
    }
    this.state = 'closed';
    if (this.#finSequence === undefined) this.#sendFin();
  }

  /** Calls close() with SO_LINGER 0, or ends with unread text. */
  aborts(): void {
    if (this.state === 'gone') return;
    this.state = 'gone';
    this.#send({ flags: RST | ACK, seq: this.#sndNxt, ack: this.#rcvNxt });
  }

  /** The host restarts, or its address moves to another one. */
  vanishes(): void {
    this.state = 'gone';
  }

  /** Retransmits an unacknowledged FIN. */
  sendsFinAgain(): void {
    if (this.repeatsFin) this.#emitFin();
  }

  #sendFin(): void {
    this.#finSequence = this.#sndNxt++;
    this.#emitFin();
  }

  #emitFin(): void {
    this.#owesAck = false;
    this.#send({ flags: FIN | ACK, seq: this.#finSequence!, ack: this.#rcvNxt });
  }
}
