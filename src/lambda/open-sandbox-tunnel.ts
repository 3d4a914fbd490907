/** Opens the tunnel of one execution environment. */
import type { LoadedArcConfig } from '../app/load-arc-config.js';
import { planTunnel } from '../app/open-tunnel.js';
import { type TunnelPorts, UserspaceTunnel } from '../tunnel/userspace-tunnel.js';
import type { SandboxTunnel } from './sandbox-tunnel.js';
import type { LambdaSettings } from './settings.js';

/**
 * The handshake is under way when it resolves.
 *
 * @throws UserError
 */
export async function openSandboxTunnel(
  arcConfig: LoadedArcConfig,
  { congestion, wait, initializationType }: LambdaSettings,
  ports: TunnelPorts,
): Promise<SandboxTunnel> {
  const isManaged = initializationType === 'lambda-managed-instances';
  const config = planTunnel(
    {
      arcConfig,
      mode: 'userspace',
      wait,
      congestion,
      // What is frozen sends none, and traffic is metered.
      overrides: isManaged ? {} : { persistentKeepalive: 0 },
    },
    ports,
  );
  return UserspaceTunnel.open(config, ports);
}
