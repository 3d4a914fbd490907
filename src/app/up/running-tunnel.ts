/** The open tunnel of `up`, in either mode. */
import type { ListenerCounters } from '../../proxy/http/listener.js';
import type { Tunnel } from '../../tunnel/tunnel.js';

export interface RunningTunnel {
  readonly tunnel: Tunnel;
  /** Rejects when the tunnel is lost; never resolves. */
  readonly failed: Promise<never>;
  /** The details of the open tunnel, except the server's endpoint. */
  readonly up: UserspaceListeners | SystemInterface;
  /** The counters of the listeners, by listener name. */
  readonly counters: () => Readonly<Record<string, ListenerCounters>>;
  /** Call before close() if the server has not answered, so that waiting clients get the reason. */
  giveUp(): void;
  /**
   * Closes the tunnel and its listeners.
   *
   * @param graceMs milliseconds for running exchanges to finish and sent data to arrive
   */
  close(graceMs: number): Promise<void>;
}

export interface UserspaceListeners {
  readonly mode: 'userspace';
  /** The forwarder's URL. */
  readonly forward: string;
  /** The proxy's address and port; undefined if not open. */
  readonly proxy: string | undefined;
}

export interface SystemInterface {
  readonly mode: 'tun';
  /** The interface's name. */
  readonly interface: string;
}
