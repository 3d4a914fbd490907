import type { ArcJson } from './arc-json.js';
import type { KryptonCli } from './bootstrap-options.js';
import type { SoracomOptions } from './soracom-options.js';

/** How a tunnel renews its session (docs/explanation/renewal.md). */
export type RenewalOptions = ApiRenewal | CellularRenewal | SimRenewal;

/** Asks the SORACOM API for the SIM's session. */
export interface ApiRenewal extends SoracomOptions {
  readonly method?: 'api' | undefined;
  /**
   * Where a new session is saved before the tunnel uses it: the path of an arc.json, or a function
   * that gets the whole configuration with the private key. By default, the file that `config`
   * names, or otherwise arctun's state folder.
   */
  readonly save?: string | ((arcJson: ArcJson) => void | Promise<void>) | undefined;
}

interface KryptonRenewal {
  /** The arc.json that gets the new key and session; by default, the file that `config` names. */
  readonly save?: string | undefined;
}

/** Gets a new key and session over the cellular connection, as bootstrap() does. */
export interface CellularRenewal extends KryptonRenewal {
  readonly method: 'cellular';
  /** The base URL of SORACOM Krypton, without `/v1`. */
  readonly endpoint?: string | undefined;
  /** The base URL of the metadata service. */
  readonly metadataEndpoint?: string | undefined;
}

/** Gets a new key and session with krypton-cli, as bootstrap() does. */
export interface SimRenewal extends KryptonRenewal {
  readonly method: 'sim';
  readonly kryptonCli?: KryptonCli | undefined;
}
