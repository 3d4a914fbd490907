/** Updates the configuration of an open tunnel: from arc.json on request, and from SORACOM. */
import { messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { Log } from '../../ports/log.js';
import type { ReloadRequests } from '../../ports/reload-requests.js';
import { refuseHooksOfOthers } from '../config/config-file-rights.js';
import type { Finding } from '../sim/diagnose-sim.js';
import { RunningConfig, type RunningConfigOptions } from './running-config.js';
import { type RenewalEnvironment, type RenewalPorts, SessionRenewal } from './session-renewal.js';
import type { Tunnel } from '../../tunnel/tunnel.js';
import { TunnelError } from '../../tunnel/tunnel-error.js';

export interface ConfigUpdateOptions extends RunningConfigOptions {
  readonly tunnel: Pick<Tunnel, 'status' | 'reconfigure'>;
  /** Access to the SORACOM API; undefined if sessions must not be renewed. */
  readonly renewal?: RenewalPorts | undefined;
  /** The source of requests to reread arc.json; undefined if no requests can arrive. */
  readonly reloads?: ReloadRequests | undefined;
  /** Wraps each reload, for example to notify the service manager. */
  readonly aroundReload?: ((reload: () => Promise<void>) => Promise<void>) | undefined;
}

export interface ConfigUpdates {
  /** A problem reported by SORACOM that the user must fix; undefined if none is known. */
  readonly finding: Finding | undefined;
  /** Whether SORACOM has reported that the SIM is terminated, so that nothing can be delivered. */
  readonly isTerminated: boolean;
  /** Resolves when no further update can change the tunnel or arc.json. */
  close(): Promise<void>;
}

/** Starts the updates. The tunnel is open, but its first handshake may still be pending. */
export function startConfigUpdates(
  options: ConfigUpdateOptions,
  environment: RenewalEnvironment,
): ConfigUpdates {
  const { tunnel, renewal: ports, reloads, aroundReload } = options;
  const running = new RunningConfig(options);
  const renewal = ports && new SessionRenewal(tunnel, running, ports, environment);
  const reload = () => reloadConfig(running, environment.log);
  reloads?.onRequest(() => void (aroundReload === undefined ? reload() : aroundReload(reload)));
  return {
    get finding() {
      return renewal?.finding;
    },
    get isTerminated() {
      return renewal?.finding?.kind === 'terminated';
    },
    close: async () => {
      reloads?.onRequest(() => undefined);
      await renewal?.close();
      // Wait until all updates that were requested earlier are finished.
      await running.inTurn(() => Promise.resolve());
    },
  };
}

/** Rereads arc.json, applies a valid configuration, and logs which changes need a restart. */
async function reloadConfig(running: RunningConfig, log: Log): Promise<void> {
  if (!running.canReread) {
    log.warn({}, 'cannot reload the configuration: it was read from standard input');
    return;
  }
  await running.inTurn(async () => {
    const { source } = running.arcConfig;
    try {
      const read = await running.reread();
      refuseHooksOfOthers(read);
      const changed = await running.apply(read);
      const fixed = running.fixedDifferences(read);
      if (fixed.length > 0) {
        log.warn(
          { members: fixed },
          `some changes in ${source} take effect only after a restart: ${fixed.join(', ')}`,
        );
      }
      if (changed.length === 0) log.info({}, `reloaded ${source}: no changes`);
      else log.info({ changed }, `reloaded ${source}; applied the changes: ${changed.join(', ')}`);
    } catch (error) {
      // If an interface rejects the change, the error is the operating system's, and does not contain
      // advice.
      if (!(error instanceof Error)) throw error;
      const next = error instanceof UserError ? error.next : [];
      const text = `cannot reload the configuration: ${messageOf(error)}. The tunnel is unchanged.`;
      log.error({}, [text, ...next].join(' '));
    }
  });
}

/** Replaces the likely cause in a tunnel's error with the problem that SORACOM reports. */
export function withFinding(error: unknown, finding: Finding | undefined): unknown {
  if (!(error instanceof TunnelError) || finding === undefined) return error;
  const why = finding.problem.replace(/^The /, 'the ').replace(/\.$/, '');
  return new TunnelError(error.reason, {
    what: error.what,
    why,
    next: [finding.next],
    cause: error,
  });
}
