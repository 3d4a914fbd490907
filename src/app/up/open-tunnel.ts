/** Opens a tunnel in userspace without listeners, for a program or for one message. */
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { UserspaceTunnel } from '../../tunnel/userspace-tunnel.js';

export interface OpenTunnelOptions {
  /** How long to wait for the first handshake, in milliseconds; 0 waits forever. */
  readonly wait: number;
  readonly signal?: AbortSignal | undefined;
}

export interface OpenedTunnel {
  readonly tunnel: UserspaceTunnel;
  /** Resolves at the first handshake; rejects after the timeout with a TunnelError. */
  readonly handshake: Promise<void>;
}

export async function openTunnel(
  config: TunnelConfig,
  { wait, signal }: OpenTunnelOptions,
  ports: TunnelPorts,
): Promise<OpenedTunnel> {
  const deadline = wait === 0 ? Infinity : ports.clock.now() + wait;
  const tunnel = await UserspaceTunnel.open(config, ports);
  const handshake = tunnel.waitForHandshake(deadline, signal);
  // The caller may await this promise later, so mark an early rejection as handled.
  handshake.catch(() => undefined);
  return { tunnel, handshake };
}
