/** The interface of an open tunnel in any mode. */
import type { Conversation } from '../ports/local-sockets.js';
import type { TunnelConfig } from './tunnel-config.js';
import type { TunnelStatus } from './tunnel-status.js';

export interface Tunnel {
  /** Resolves after one turn of the data path; never settles if the data path hangs. */
  status(): Promise<TunnelStatus>;
  /**
   * Resolves immediately if a session exists, otherwise at the next handshake.
   *
   * @param deadline the time on the clock at which the wait ends; Infinity waits forever
   * @throws TunnelError with the reason, if known
   */
  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void>;
  /**
   * Applies changes to keys, server, addresses, allowed IPs, keepalive and name servers. Listeners
   * and the interface remain; connections inside the tunnel end if its address changes. The MTU and
   * TCP's congestion control do not change. Calls run one after another; a failed call changes
   * nothing.
   *
   * @throws Error with the system's `code` if an interface rejects the change
   * @throws RangeError for an invalid configuration: no address, or a server key that equals the
   * tunnel's own key
   * @throws TunnelError `closing`
   */
  reconfigure(config: TunnelConfig): Promise<void>;
  /**
   * Starts a conversation in WireGuard's userspace API. Its text may contain the private key.
   * Absent in kernel mode, in which `wg` asks the kernel.
   */
  converse?(): Conversation;
}
