/** The configuration of an open tunnel, and how to replace it. */
import type { ArcConfig, ArcSession } from '../../arc-config/arc-config.js';
import { SerialQueue } from '../../lib/serial-queue.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { Tunnel } from '../../tunnel/tunnel.js';
import { withSession } from './arc-session.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { isSameSession } from './session-state.js';

export interface RunningConfigOptions {
  readonly tunnel: Pick<Tunnel, 'reconfigure'>;
  /** The configuration that the tunnel was opened with. */
  readonly arcConfig: LoadedArcConfig;
  /** The tunnel configuration that `plan` returned for `arcConfig`. */
  readonly tunnelConfig: TunnelConfig;
  /**
   * Derives a tunnel's configuration with the same options as for the open tunnel.
   * @throws UserError
   */
  readonly plan: (arcConfig: LoadedArcConfig) => TunnelConfig;
  /** Called after the tunnel has applied a configuration. */
  readonly onApplied?: ((tunnelConfig: TunnelConfig) => Promise<void>) | undefined;
  /** Rereads the configuration; undefined if it can be read only once. */
  readonly reread?: (() => Promise<LoadedArcConfig>) | undefined;
}

export class RunningConfig {
  readonly #options: RunningConfigOptions;
  #arcConfig: LoadedArcConfig;
  #tunnelConfig: TunnelConfig;
  /** A session that could not be saved, and the session in arc.json that it replaces. */
  #unkept: { readonly replaces: ArcSession | undefined; readonly session: ArcSession } | undefined;
  readonly #turns = new SerialQueue();
  #changes = 0;

  constructor(options: RunningConfigOptions) {
    this.#options = options;
    this.#arcConfig = options.arcConfig;
    this.#tunnelConfig = options.tunnelConfig;
  }

  get arcConfig(): LoadedArcConfig {
    return this.#arcConfig;
  }

  /** Lists the changed fields of arc.json that need a restart. */
  fixedDifferences(arcConfig: LoadedArcConfig): readonly string[] {
    const { arcConfig: opened, plan } = this.#options;
    const hasOtherMtu = plan(arcConfig).mtu !== this.#tunnelConfig.mtu;
    return [...(hasOtherMtu ? ['mtu'] : []), ...fixedDifferences(opened.config, arcConfig.config)];
  }

  /** The number of times that the tunnel was reconfigured. */
  get changes(): number {
    return this.#changes;
  }

  get canReread(): boolean {
    return this.#options.reread !== undefined;
  }

  /** Runs tasks one at a time, because each may change the tunnel or arc.json. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.run(work);
  }

  /**
   * Rereads the configuration, with the newest known session; returns the running configuration if
   * rereading is impossible.
   *
   * @throws UserError for a file that is unreadable or invalid
   */
  async reread(): Promise<LoadedArcConfig> {
    const { reread } = this.#options;
    if (reread === undefined) return this.#arcConfig;
    const read = await reread();
    if (this.#unkept === undefined) return read;
    const { replaces, session } = this.#unkept;
    // If another process has saved a session, that session is newer than the unsaved one.
    const held = [read.original, read.config].map(({ arcSessionStatus }) => arcSessionStatus);
    if (!held.every((one) => isSameSession(one, replaces))) return read;
    return { ...read, config: withSession(read.config, session) };
  }

  /** Keeps a session that could not be saved, for use by this process only. */
  holdUnkept(original: ArcConfig, session: ArcSession): void {
    this.#unkept = { replaces: original.arcSessionStatus, session };
  }

  /**
   * Applies the changes to the tunnel. If this fails, the running configuration is unchanged.
   * @returns the names of the changed settings; empty if none changed
   * @throws the errors of `plan`; Error with the system's `code` if an interface rejects the change
   */
  async apply(arcConfig: LoadedArcConfig): Promise<readonly string[]> {
    const { mtu } = this.#tunnelConfig;
    const tunnelConfig = { ...this.#options.plan(arcConfig), mtu };
    const names = tunnelDifferences(this.#tunnelConfig, tunnelConfig);
    if (names.length > 0) {
      await this.#options.tunnel.reconfigure(tunnelConfig);
      this.#changes++;
      await this.#options.onApplied?.(tunnelConfig);
    }
    this.#arcConfig = arcConfig;
    this.#tunnelConfig = tunnelConfig;
    return names;
  }
}

/** Lists the differences that an open tunnel can apply. */
export function tunnelDifferences(old: TunnelConfig, other: TunnelConfig): readonly string[] {
  const compared: readonly [name: string, valueOf: (config: TunnelConfig) => string][] = [
    ['private key', ({ privateKey }) => privateKey.expose().join()],
    ['server key', ({ serverPublicKey }) => serverPublicKey.join()],
    ['endpoint', ({ endpoint }) => `${endpoint.host.toLowerCase()} ${endpoint.port}`],
    ['address', ({ addresses }) => sorted(addresses.map((address) => address.join('.')))],
    [
      'allowed IPs',
      ({ allowedIps }) =>
        sorted(
          allowedIps.map(({ address, prefixLength }) => `${address.join('.')}/${prefixLength}`),
        ),
    ],
    ['keepalive', ({ persistentKeepalive }) => String(persistentKeepalive)],
  ];
  return compared.filter(([, valueOf]) => valueOf(old) !== valueOf(other)).map(([name]) => name);
}

const FIXED = [
  'interface',
  'logLevel',
  'enableMetrics',
  'preUp',
  'postUp',
  'preDown',
  'postDown',
  'forwards',
] as const;

/**
 * Lists the fields of arc.json that differ and that an open tunnel cannot apply. The MTU is
 * omitted, because other settings may override it.
 */
export function fixedDifferences(old: ArcConfig, other: ArcConfig): readonly string[] {
  return FIXED.filter((name) => JSON.stringify(old[name]) !== JSON.stringify(other[name]));
}

/** Sorts the strings and removes duplicates, because order and repetition do not matter. */
function sorted(texts: readonly string[]): string {
  return [...new Set(texts)].sort().join(' ');
}
