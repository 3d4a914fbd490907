/** Opens an execution environment's tunnel, with its only virtual SIM or with one from a pool. */
import { tmpdir } from 'node:os';

import type { LoadedArcConfig } from '../app/config/load-arc-config.js';
import { planTunnel } from '../app/up/plan-tunnel.js';
import { UserError } from '../lib/errors/user-error.js';
import type { Files } from '../ports/files.js';
import type { TunnelPorts } from '../tunnel/tunnel-ports.js';
import { UserspaceTunnel } from '../tunnel/userspace-tunnel.js';
import { type PooledSim, PooledTunnel } from './pool/pooled-tunnel.js';
import type { SandboxTunnel } from './sandbox-tunnel.js';
import type { LambdaSettings } from './settings.js';

/**
 * The file with the name of the pool's virtual SIM that this environment used last. After a timeout
 * or a crash, Lambda restarts the extension and preserves the environment's /tmp.
 */
const LAST_SIM = `${tmpdir()}/arctun-sim`;

/**
 * Opens the tunnel. Resolves when the handshake is in progress.
 *
 * @throws UserError of the first configuration if none is usable
 */
export async function openSandboxTunnel(
  arcConfigs: readonly LoadedArcConfig[],
  settings: LambdaSettings,
  files: Pick<Files, 'readText' | 'replaceText'>,
  ports: TunnelPorts,
): Promise<SandboxTunnel> {
  const sims = planSims(arcConfigs, settings, ports);
  const [only] = sims;
  if (sims.length === 1 && only !== undefined) {
    const tunnel = await UserspaceTunnel.open(only.config, ports, { watchForRivals: true });
    adviseOnce(tunnel, ports);
    return tunnel;
  }
  const last = await files.readText(LAST_SIM).catch(() => undefined);
  const first = sims.findIndex(({ name }) => name === last);
  return PooledTunnel.open(
    {
      sims,
      first: first < 0 ? undefined : first,
      // Ignore a failure, because its only effect is a slower start.
      onSim: (index) => {
        files.replaceText(LAST_SIM, sims[index]?.name ?? '').catch(() => undefined);
      },
    },
    ports,
  );
}

/** Logs what to do about a rival; the tunnel itself logs that a rival exists. */
function adviseOnce(tunnel: UserspaceTunnel, { log }: TunnelPorts): void {
  let isTold = false;
  tunnel.onRival(({ isCertain }) => {
    if (!isCertain || isTold) return;
    isTold = true;
    const next = [
      "Set the function's reserved concurrency to 1, or give the function a pool with two virtual SIMs for each concurrent environment.",
    ];
    log.warn({ next }, 'several environments of this function seem to be sharing one virtual SIM');
  });
}

function planSims(
  arcConfigs: readonly LoadedArcConfig[],
  { congestion, initializationType }: LambdaSettings,
  ports: TunnelPorts,
): PooledSim[] {
  const isManaged = initializationType === 'lambda-managed-instances';
  // Disable keepalives: a frozen environment cannot send them, and traffic is billed.
  const overrides = isManaged ? {} : { persistentKeepalive: 0 };
  const sims: PooledSim[] = [];
  let fault: UserError | undefined;
  for (const arcConfig of arcConfigs) {
    const name = arcConfig.config.simId === '' ? arcConfig.source : arcConfig.config.simId;
    try {
      sims.push({ name, config: planTunnel({ arcConfig, congestion, overrides }, ports) });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      fault ??= error;
      if (arcConfigs.length > 1) {
        ports.log.warn({ why: error.message }, 'cannot use one of the arc.json files in the pool');
      }
    }
  }
  if (sims.length === 0 && fault !== undefined) throw fault;
  return sims;
}
