/** What `up` keeps open, whichever the mode. */
import type { ListenerCounters } from '../../proxy/http/listener.js';
import type { Tunnel } from '../../tunnel/tunnel.js';

export interface RunningTunnel {
  readonly tunnel: Tunnel;
  /** Rejects when there is nothing to keep any more; never resolves. */
  readonly failed: Promise<never>;
  /** What there is, once the tunnel is up, but for the server's endpoint. */
  readonly up: UserspaceListeners | SystemInterface;
  /** Of the listeners, by what they are called. */
  readonly counters: () => Readonly<Record<string, ListenerCounters>>;
  /** To be called before close() where the server has not answered: whoever waits is told why. */
  giveUp(): void;
  /**
   * Closes all.
   *
   * @param graceMs for running exchanges to finish, and for what was sent to arrive
   */
  close(graceMs: number): Promise<void>;
}

export interface UserspaceListeners {
  readonly mode: 'userspace';
  /** The forwarder's URL. */
  readonly forward: string;
  /** The mixed port's address and port; undefined where there is none. */
  readonly proxy: string | undefined;
}

export interface SystemInterface {
  readonly mode: 'tun';
  /** The interface's name. */
  readonly interface: string;
}
