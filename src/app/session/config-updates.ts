/** Keeps the configuration of an open tunnel up to date: from arc.json when asked to, and from the platform. */
import type { ReloadRequests } from '../../ports/reload-requests.js';
import type { Finding } from '../sim/diagnose-sim.js';
import { reloadConfig } from './reload-config.js';
import { RunningConfig, type RunningConfigOptions } from './running-config.js';
import { type RenewalEnvironment, type RenewalPorts, SessionRenewal } from './session-renewal.js';
import type { Tunnel } from '../../tunnel/tunnel.js';

export interface ConfigUpdateOptions extends RunningConfigOptions {
  readonly tunnel: Pick<Tunnel, 'status' | 'reconfigure'>;
  /** How SORACOM is asked; undefined where the session is not to be renewed. */
  readonly renewal?: RenewalPorts | undefined;
  /** Undefined where nobody can ask for arc.json to be read again. */
  readonly reloads?: ReloadRequests | undefined;
  /** Runs each reload, for whoever is told of it, as a service manager is. */
  readonly aroundReload?: ((reload: () => Promise<void>) => Promise<void>) | undefined;
}

export interface ConfigUpdates {
  /** What SORACOM says is wrong and needs its user; undefined if it was not asked, or says nothing. */
  readonly finding: Finding | undefined;
  /** Resolves when nothing changes the tunnel or arc.json any more. */
  close(): Promise<void>;
}

/** Begins when the tunnel is open: its first handshake may still be awaited. */
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
    close: async () => {
      reloads?.onRequest(() => undefined);
      await renewal?.close();
      // What was asked for before comes to its end.
      await running.inTurn(() => Promise.resolve());
    },
  };
}
