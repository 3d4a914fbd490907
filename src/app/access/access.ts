/** The inside of a tunnel, as one command uses it. */
import type { DatagramDialer } from '../../proxy/datagram-dialer.js';
import type { EchoDialer } from '../../proxy/echo-dialer.js';
import type { ConfirmingDialer } from '../../proxy/tcp-exchange.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { TunnelListeners } from '../status/status-report.js';
import type { OpenTunnelOptions } from '../up/open-tunnel.js';
import type { SimCommand } from '../up/sim-use.js';

export interface TunnelAccess {
  /** Whose tunnel this is: the command's own, or that of the running `up`. */
  readonly via: 'own' | 'shared';
  /** Opens TCP connections to addresses and names inside the tunnel. */
  readonly dialer: ConfirmingDialer;
  readonly datagramDialer: DatagramDialer;
  /** Rejects with a UserError of kind `usage` if the running `up` has a network interface. */
  readonly echoDialer: EchoDialer;
  /** The name servers that the tunnel uses, as IP addresses in text form. */
  readonly nameServers: readonly string[];
  /** The listeners of the running `up`. */
  readonly listeners: TunnelListeners;
  /**
   * Closes an own tunnel.
   *
   * @param gracePeriod how long, in milliseconds, written data may take to arrive; 0 by default
   */
  close(gracePeriod?: number): Promise<void>;
}

export interface AccessOptions extends OpenTunnelOptions {
  readonly command: Exclude<SimCommand, 'up'>;
  readonly config: TunnelConfig;
  /** Whether to open an own tunnel even if another process on this machine is using the SIM. */
  readonly force: boolean;
  /** This process's ID. */
  readonly pid: number;
}
