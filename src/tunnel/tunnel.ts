/** An open tunnel as those see it who watch over it: whichever its mode, and in whichever thread it runs. */
import type { Conversation } from '../ports/local-sockets.js';
import type { TunnelConfig } from './tunnel-config.js';
import type { TunnelStatus } from './tunnel-status.js';

export interface Tunnel {
  /** Resolves when the data path has had its turn: while that hangs, so does this. */
  status(): Promise<TunnelStatus>;
  /**
   * Resolves at once where there is a session, else at the next handshake.
   *
   * @param deadline the `now` of the clock at which the wait ends; Infinity waits for ever
   * @throws TunnelError with what is known of the reason
   */
  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void>;
  /**
   * Takes over what differs: keys, server, addresses, allowed IPs, keepalive, name servers. Listeners
   * and the interface stay; connections inside end where our address has changed. The MTU and how TCP
   * shares the path stay as they are. Calls have their turn one after the other; where one fails,
   * nothing has changed.
   *
   * @throws Error with the system's `code` where an interface does not take it
   * @throws RangeError for what cannot be: no address, the server's key as our own
   * @throws TunnelError `closing`
   */
  reconfigure(config: TunnelConfig): Promise<void>;
  /** Somebody who speaks WireGuard's userspace interface; what is said may name the private key. */
  converse(): Conversation;
}
