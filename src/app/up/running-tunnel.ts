/** The open tunnel of `up`, in either mode. */
import type { ConnectionStatus } from '../../proxy/status/connection-list.js';
import type { ListenerCounters } from '../../proxy/http/listener.js';
import type { NamedForwarder } from '../../proxy/forward/forwarder.js';
import type { NamedForward } from '../../proxy/port-forward/forward-counters.js';
import type { PortForwards } from '../../proxy/port-forward/port-forwards.js';
import type { SharedTunnel } from '../../proxy/shared/shared-tunnel.js';
import type { Tunnel } from '../../tunnel/tunnel.js';
import type { SpoolStatus } from '../spool/forwarder-spool.js';

export interface RunningTunnel {
  readonly tunnel: Tunnel;
  /** Rejects when the tunnel is lost; never resolves. */
  readonly failed: Promise<never>;
  /** The details of the open tunnel, except the server's endpoint. */
  readonly up: OpenUserspace | SystemInterface;
  /** The port forwards; undefined if the mode does not support them. */
  readonly forwards?: PortForwards;
  /** Returns how many messages the spool has in each state; undefined without a spool. */
  readonly spool?: (() => Promise<SpoolStatus>) | undefined;
  /** The open TCP connections, the latest first; undefined if the system runs TCP. */
  readonly connections?: () => readonly ConnectionStatus[];
  /** Whether clients of the proxy must send a password. */
  readonly proxyHasPassword?: boolean;
  /** Connects other commands to targets inside the tunnel; undefined with a network interface. */
  readonly shared?: SharedTunnel;
  readonly counters: () => Readonly<Record<string, ListenerCounters>>;
  /** Fails waiting clients with the reason for the server's silence; call before close(). */
  giveUp(): void;
  /**
   * Closes the tunnel and its listeners.
   *
   * @param graceMs how long running exchanges may take to finish and sent data to arrive
   */
  close(graceMs: number): Promise<void>;
}

/** Where the listeners of a tunnel in userspace are. */
export interface UserspaceAddresses {
  /** The forwarder's URL. */
  readonly forward: string;
  /** The forwarders with their own ports; absent if none is open. */
  readonly furtherForwarders?: readonly NamedForwarder[];
  /** The proxy's address and port; undefined if not open. */
  readonly proxy: string | undefined;
  /** The port forwards; absent if none is open. */
  readonly forwards?: readonly NamedForward[];
  /** The DNS listener's address and port; undefined if not open. */
  readonly dns?: string | undefined;
}

export interface OpenUserspace extends UserspaceAddresses {
  readonly mode: 'userspace';
}

export interface SystemInterface {
  readonly mode: 'tun' | 'kernel';
  readonly interface: string;
}
