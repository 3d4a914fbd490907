import type { Dialer } from '../proxy/dialer.js';

/** The part of a tunnel that the extension uses. */
export interface SandboxTunnel {
  readonly dialer: Dialer;
  /** See Tunnel.waitForHandshake(). */
  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void>;
  /** See UserspaceTunnel.refreshSession(). */
  refreshSession(): void;
  /** See PooledTunnel.onMoving(); absent if the tunnel never changes its SIM. */
  onMoving?(listener: () => void): void;
  /** See UserspaceTunnel.close(). */
  close(options: { readonly gracePeriod: number }): Promise<void>;
}
