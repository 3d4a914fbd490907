/** The configuration that an open tunnel runs with, and how another takes its place. */
import type { ArcConfig, ArcSession } from '../../arc-config/arc-config.js';
import { SerialQueue } from '../../lib/serial-queue.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { Tunnel } from '../../tunnel/tunnel.js';
import { withSession } from './arc-session.js';
import { fixedDifferences, tunnelDifferences } from './config-differences.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { isSameSession } from './session-state.js';

export interface RunningConfigOptions {
  readonly tunnel: Pick<Tunnel, 'reconfigure'>;
  /** What the tunnel was opened with. */
  readonly arcConfig: LoadedArcConfig;
  /** What `plan` made of it. */
  readonly tunnelConfig: TunnelConfig;
  /**
   * What a tunnel is to be made of, as for the one that is open.
   * @throws UserError
   */
  readonly plan: (arcConfig: LoadedArcConfig) => TunnelConfig;
  /** Called after the tunnel has taken over a configuration. */
  readonly onApplied?: ((tunnelConfig: TunnelConfig) => Promise<void>) | undefined;
  /** Reads the configuration anew; undefined where it can be read only once. */
  readonly reread?: (() => Promise<LoadedArcConfig>) | undefined;
}

export class RunningConfig {
  readonly #options: RunningConfigOptions;
  #arcConfig: LoadedArcConfig;
  #tunnelConfig: TunnelConfig;
  /** A session that could be written nowhere, and the one in arc.json that it replaces. */
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

  /** The members of arc.json that differ from those that the tunnel was opened with, for good. */
  fixedDifferences(arcConfig: LoadedArcConfig): readonly string[] {
    const { arcConfig: opened, plan } = this.#options;
    const hasOtherMtu = plan(arcConfig).mtu !== this.#tunnelConfig.mtu;
    return [...(hasOtherMtu ? ['mtu'] : []), ...fixedDifferences(opened.config, arcConfig.config)];
  }

  /** How often the tunnel was told to take something else. */
  get changes(): number {
    return this.#changes;
  }

  get canReread(): boolean {
    return this.#options.reread !== undefined;
  }

  /** Does one work after the other: two that change the tunnel or arc.json must not meet. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.run(work);
  }

  /**
   * The configuration as it stands now, with the newest session that is known; the running one where it
   * cannot be read again.
   *
   * @throws UserError for a file that cannot be read or has faults
   */
  async reread(): Promise<LoadedArcConfig> {
    const { reread } = this.#options;
    if (reread === undefined) return this.#arcConfig;
    const read = await reread();
    if (this.#unkept === undefined) return read;
    const { replaces, session } = this.#unkept;
    // Somebody else's session in the file, or in the state folder, is newer than ours.
    const held = [read.original, read.config].map(({ arcSessionStatus }) => arcSessionStatus);
    if (!held.every((one) => isSameSession(one, replaces))) return read;
    return { ...read, config: withSession(read.config, session) };
  }

  /** `session` could be written nowhere, and holds for this process. */
  holdUnkept(original: ArcConfig, session: ArcSession): void {
    this.#unkept = { replaces: original.arcSessionStatus, session };
  }

  /**
   * Has the tunnel take over what differs. Where it does not, the configuration stays the running one.
   *
   * @returns the names of what differs; none where the tunnel has all of it
   * @throws UserError as `plan`; Error with the system's `code` where an interface does not take it
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
