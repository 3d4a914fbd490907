import type { Datagram } from './datagram.js';

/** A bound UDP socket that takes and gives datagrams in batches. */
export interface DatagramSocket {
  readonly localAddress: string;
  readonly localPort: number;
  /** Bytes handed to `send` that the kernel has not taken yet. */
  readonly queuedBytes: number;
  /** Sends each datagram, in order. A failure is reported through `onError`, never thrown. */
  send(datagrams: readonly Datagram[]): void;
  /** Called with what arrived since the last call, never with an empty array. */
  onReceive(handler: (datagrams: readonly Datagram[]) => void): void;
  /** Called when `queuedBytes` has fallen to zero: whoever waited for room may send again. */
  onDrain(handler: () => void): void;
  /**
   * Called with an error of the socket, with the system's `code`, and the datagram that was not sent
   * for it, where it is that of one; the socket stays usable unless it says so.
   */
  onError(handler: (error: Error, unsent?: Datagram) => void): void;
  /** Resolves when nothing is open any more. */
  close(): Promise<void>;
}

/** What a datagram socket is bound to. */
export interface LocalBinding {
  /** `0.0.0.0`, `::`, `127.0.0.1` … */
  readonly address: string;
  /** 0 for any free one. */
  readonly port: number;
  /** The mark of what is sent, for rules of routing; 0 or absent for none. Takes CAP_NET_ADMIN. */
  readonly fwmark?: number;
}

/** Opens datagram sockets. */
export interface DatagramSockets {
  /**
   * @throws Error with the system's `code` (EADDRINUSE, EACCES …)
   */
  open(local: LocalBinding): Promise<DatagramSocket>;
}
