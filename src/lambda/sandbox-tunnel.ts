import type { Dialer } from '../proxy/dialer.js';

/** What the extension needs of a tunnel. */
export interface SandboxTunnel {
  readonly dialer: Dialer;
  /** As Tunnel.waitForHandshake(). */
  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void>;
  /** As UserspaceTunnel.refreshSession(). */
  refreshSession(): void;
  /** As PooledTunnel.onMoving(); absent where it never moves. */
  onMoving?(listener: () => void): void;
  /** As UserspaceTunnel.close(). */
  close(options: { readonly gracePeriod: number }): Promise<void>;
}
