import type { Datagram } from './datagram.js';

/** A bound UDP socket that sends and receives datagrams in batches. */
export interface DatagramSocket {
  readonly localAddress: string;
  readonly localPort: number;
  /** The number of bytes passed to `send` that the kernel has not accepted yet. */
  readonly queuedBytes: number;
  /**
   * Whether no datagrams that were passed to `send`, and no bytes of them, are in use, so that both
   * may be overwritten.
   */
  readonly isFlushed: boolean;
  /**
   * Sends the datagrams in order. The array is valid only during the call. Errors are reported
   * through `onError`, never thrown.
   */
  send(datagrams: readonly Datagram[]): void;
  /**
   * Called with the datagrams that have arrived since the last call. The array is never empty. The
   * handler may overwrite the datagrams' bytes. The array, the datagrams and their bytes are valid
   * only until it returns.
   */
  onReceive: (datagrams: readonly Datagram[]) => void;
  /** Called when `queuedBytes` has fallen to zero, so that a waiting caller can send again. */
  onDrain: () => void;
  /**
   * Called with each socket error, which has the system's `code`, and with the datagram that was
   * not sent, if any, which is valid only during the call. The socket remains usable unless the
   * error says otherwise.
   */
  onError: (error: Error, unsent?: Datagram) => void;
  close(): Promise<void>;
}

export interface LocalBinding {
  /** The local address, such as `0.0.0.0`, `::` or `127.0.0.1`. */
  readonly address: string;
  /** The local port; 0 lets the system choose one. */
  readonly port: number;
  /** The mark on sent datagrams, for routing rules; 0 for no mark. Requires CAP_NET_ADMIN. */
  readonly fwmark?: number;
}

export interface DatagramSockets {
  /** @throws Error with the system's `code` (EADDRINUSE, EACCES …) */
  open(local: LocalBinding): Promise<DatagramSocket>;
}
