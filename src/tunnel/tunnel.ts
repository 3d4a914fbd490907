/** The interface of an open tunnel of either mode, in this thread or another. */
import type { Conversation } from '../ports/local-sockets.js';
import type { TunnelConfig } from './tunnel-config.js';
import type { TunnelStatus } from './tunnel-status.js';

export interface Tunnel {
  /** Resolves after the data path has had a turn, so a hanging data path makes this hang, too. */
  status(): Promise<TunnelStatus>;
  /**
   * Resolves immediately if a session exists, otherwise at the next handshake.
   *
   * @param deadline the `now` of the clock at which the wait ends; Infinity waits forever
   * @throws TunnelError with the reason, if known
   */
  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void>;
  /**
   * Applies changes to keys, server, addresses, allowed IPs, keepalive and name servers. Listeners
   * and the interface stay; connections inside end if the tunnel's address changes. The MTU and
   * TCP's congestion control do not change. Calls run one after the other; if one fails, nothing
   * has changed.
   *
   * @throws Error with the system's `code` if an interface rejects the change
   * @throws RangeError for an invalid configuration: no address, or the server's key as the
   * tunnel's own
   * @throws TunnelError `closing`
   */
  reconfigure(config: TunnelConfig): Promise<void>;
  /** Starts a conversation in WireGuard's userspace API; its text may contain the private key. */
  converse(): Conversation;
}
