/** Opens a tunnel for a command that uses it for a short time, and closes it afterwards. */
import { UserError } from '../../lib/errors/user-error.js';
import type { DatagramDialer } from '../../proxy/datagram-dialer.js';
import { type Dialer, DialError } from '../../proxy/dialer.js';
import type { EchoDialer } from '../../proxy/echo-dialer.js';
import { TunnelError } from '../../tunnel/tunnel-error.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { readableWarning } from '../config/config-file-rights.js';
import type { TunnelMode } from '../up/choose-mode.js';
import { claimSim, type ClaimSimPorts } from '../up/claim-sim.js';
import { openTunnel, type OpenTunnelOptions } from '../up/open-tunnel.js';
import { planTunnel, type TunnelPlan } from '../up/plan-tunnel.js';
import type { SimCommand } from '../up/sim-use.js';

/** The ways into an open tunnel. */
export interface TunnelAccess {
  readonly dialer: Dialer;
  readonly datagramDialer: DatagramDialer;
  readonly echoDialer: EchoDialer;
}

export interface OwnTunnelOptions extends OpenTunnelOptions {
  readonly command: Exclude<SimCommand, 'up'>;
  readonly tunnel: TunnelPlan;
  readonly mode: TunnelMode;
  /** Whether to open the tunnel even if another process on this machine is using the SIM. */
  readonly force: boolean;
  /** This process's ID. */
  readonly pid: number;
}

export type OwnTunnelPorts = TunnelPorts & Pick<ClaimSimPorts, 'claims'>;

/**
 * Runs `use` with an open tunnel.
 *
 * @throws UserError of kind `tunnel` if another process on this machine is using the SIM, and of
 * kind `usage` for tun mode and kernel mode
 * @throws TunnelError if the handshake fails
 */
export async function withOwnTunnel<Result>(
  options: OwnTunnelOptions,
  ports: OwnTunnelPorts,
  use: (access: TunnelAccess) => Promise<Result>,
): Promise<Result> {
  const { command, tunnel: plan, force, pid, signal } = options;
  const config = planTunnel(plan, ports);
  requireUserspace(command, options.mode);
  const warning = readableWarning(plan.arcConfig);
  if (warning !== undefined) ports.log.warn({}, warning);
  const publicKey = ports.crypto.publicKey(config.privateKey.expose());
  const claim = await claimSim({ publicKey, use: () => ({ command, pid }), force, signal }, ports);
  try {
    const { tunnel, handshake } = await openTunnel(config, options, ports);
    try {
      await handshake;
      return await use(tunnel);
    } finally {
      await tunnel.close({ gracePeriod: 0 });
    }
  } finally {
    await claim.close();
  }
}

/** Converts the error of a dialer to one that a command can show. */
export function accessError(error: unknown, what: string): unknown {
  if (!(error instanceof DialError)) return error;
  const { reason = 'not-connected', next = [] } =
    error.cause instanceof TunnelError ? error.cause : {};
  return new TunnelError(reason, { what, why: error.message, next, cause: error });
}

function requireUserspace(command: string, mode: TunnelMode): void {
  if (mode !== 'tun' && mode !== 'kernel') return;
  throw new UserError('usage', {
    what: `cannot use --mode=${mode}`,
    why: `\`${command}\` always runs in userspace, without a network interface`,
    next: [`Run "arctun up --mode ${mode}", and use the system's own ${command}.`],
  });
}
