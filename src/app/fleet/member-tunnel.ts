/** The open tunnel of one SIM of a fleet, with its services. */
import type { KeyClaims } from '../../ports/key-claims.js';
import type { LocalListeners } from '../../ports/local-sockets.js';
import { SharedTunnel } from '../../proxy/shared/shared-tunnel.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { UserspaceTunnel } from '../../tunnel/userspace-tunnel.js';
import { describeFailure } from '../access/portable-failure.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { configNotices } from '../config/validate-config.js';
import { type ConfigUpdates, startConfigUpdates } from '../session/config-updates.js';
import type { RenewalPorts } from '../session/session-renewal.js';
import { startMetricLines } from '../status/metric-lines.js';
import { claimSim, type SimClaim } from '../up/claim-sim.js';
import { planTunnel, type TunnelPlan } from '../up/plan-tunnel.js';
import type { SimUse } from '../up/sim-use.js';

export interface MemberTunnelOptions {
  readonly plan: Omit<TunnelPlan, 'arcConfig'>;
  /** Reads a configuration of the fleet. */
  readonly load: (path: string) => Promise<LoadedArcConfig>;
  /** See RunTunnelOptions. */
  readonly force: boolean;
  readonly pid: number;
  /** Access to the SORACOM API; undefined if sessions must not be renewed. */
  readonly renewal: RenewalPorts | undefined;
}

export interface MemberTunnelPorts extends TunnelPorts {
  readonly claims: KeyClaims;
  readonly listeners: LocalListeners;
}

interface Parts {
  readonly arcConfig: LoadedArcConfig;
  readonly config: TunnelConfig;
  readonly claim: SimClaim;
  readonly tunnel: UserspaceTunnel;
}

export class MemberTunnel {
  readonly tunnel: UserspaceTunnel;
  /** Connects other commands to targets inside the tunnel. */
  readonly shared: SharedTunnel;
  readonly nameServers: readonly string[];
  /** Resolves at the first handshake; rejects if the tunnel is closed before. */
  readonly firstHandshake: Promise<void>;
  readonly #claim: SimClaim;
  #simId: string;
  readonly #updates: ConfigUpdates;
  readonly #endMetrics: () => void;
  #reload: () => void = () => undefined;

  private constructor(parts: Parts, options: MemberTunnelOptions, ports: MemberTunnelPorts) {
    const { arcConfig, config, claim, tunnel } = parts;
    const { dialer, datagramDialer, echoDialer } = tunnel;
    this.tunnel = tunnel;
    this.#simId = arcConfig.config.simId;
    this.nameServers = config.nameServers;
    this.#claim = claim;
    const dialers = { dialer, datagramDialer, echoDialer };
    this.shared = new SharedTunnel({ ...dialers, log: ports.log, describe: describeFailure });
    this.firstHandshake = tunnel.waitForHandshake(Infinity);
    this.firstHandshake.catch(() => undefined);
    this.#updates = this.#startUpdates(parts, options, ports);
    const labels = { simId: this.simId, interface: arcConfig.config.interface };
    this.#endMetrics = arcConfig.config.enableMetrics
      ? startMetricLines(tunnel, labels, ports)
      : () => undefined;
  }

  /**
   * Opens the tunnel and starts its handshake.
   *
   * @param socket the path of the SIM's control socket; undefined if no folder was usable
   * @throws UserError if the configuration is not usable, or another process is using the SIM; the
   * abort reason
   */
  static async open(
    { path, socket }: { readonly path: string; readonly socket: string | undefined },
    options: MemberTunnelOptions,
    ports: MemberTunnelPorts,
    signal: AbortSignal,
  ): Promise<MemberTunnel> {
    const arcConfig = await options.load(path);
    logNotices(arcConfig, ports);
    const config = planTunnel({ ...options.plan, arcConfig }, ports);
    const publicKey = ports.crypto.publicKey(config.privateKey.expose());
    const use: SimUse = { command: 'up', pid: options.pid, socket };
    const claiming = { publicKey, use: () => use, force: options.force, signal };
    const claim = await claimSim(claiming, ports);
    try {
      signal.throwIfAborted();
      const tunnel = await UserspaceTunnel.open(config, ports, { watchForRivals: true });
      return new MemberTunnel({ arcConfig, config, claim, tunnel }, options, ports);
    } catch (error) {
      await claim.close();
      throw error;
    }
  }

  /** The SIM ID in the configuration that the tunnel uses; empty if it has none. */
  get simId(): string {
    return this.#simId;
  }

  /** Reads the configuration again, and applies the changes. */
  reload(): void {
    this.#reload();
  }

  /** @param graceMs how long sent data may take to arrive */
  async close(graceMs: number): Promise<void> {
    await this.#updates.close();
    this.#endMetrics();
    await this.shared.close({ graceMs });
    await this.tunnel.close({ gracePeriod: graceMs });
    await this.#claim.close();
  }

  #startUpdates(
    { arcConfig, config, claim, tunnel }: Parts,
    { plan, load, renewal }: MemberTunnelOptions,
    ports: MemberTunnelPorts,
  ): ConfigUpdates {
    const path = arcConfig.path ?? arcConfig.source;
    let planned = arcConfig;
    return startConfigUpdates(
      {
        tunnel,
        arcConfig,
        tunnelConfig: config,
        plan: (read) => {
          planned = read;
          return planTunnel({ ...plan, arcConfig: read }, ports);
        },
        reread: () => load(path),
        reloads: { onRequest: (handler) => void (this.#reload = handler) },
        renewal,
        onApplied: ({ privateKey }) => {
          this.#simId = planned.config.simId;
          return claim.follow(ports.crypto.publicKey(privateKey.expose()));
        },
      },
      ports,
    );
  }
}

function logNotices(arcConfig: LoadedArcConfig, ports: MemberTunnelPorts): void {
  for (const { kind, text } of configNotices(arcConfig, ports)) {
    ports.log[kind === 'warning' ? 'warn' : 'debug']({}, text);
  }
  const { local, remote } = arcConfig.config.forwards;
  const ignored = [
    ...IGNORED.filter((name) => arcConfig.config[name].length > 0),
    ...(local.length + remote.length > 0 ? ['forwards'] : []),
  ];
  if (ignored.length === 0) return;
  const text = `${ignored.join(', ')} in ${arcConfig.source} have no effect, because several configurations are open`;
  ports.log.warn({}, text);
}

/** The commands of arc.json. */
const IGNORED = ['preUp', 'postUp', 'preDown', 'postDown'] as const;
