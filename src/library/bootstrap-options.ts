/** The options and the result of bootstrap(). */
import type { ArcJson } from './arc-json.js';
import type { SoracomOptions } from './soracom-options.js';

/** Where the configuration of the virtual SIM is saved. */
export type BootstrapTarget =
  | {
      /** The arc.json to create. If the file exists, its SIM gets a new session. */
      readonly path: string;
      readonly save?: undefined;
    }
  | {
      /**
       * Saves the configuration, which contains the private key. SORACOM shows the key only once,
       * so if `save` fails, arctun saves the configuration in its state folder.
       */
      readonly save: (arcJson: ArcJson) => void | Promise<void>;
      readonly path?: undefined;
    };

export type BootstrapOptions = AuthKeyBootstrap | CellularBootstrap | SimBootstrap;

interface Common {
  readonly signal?: AbortSignal | undefined;
}

/** Creates a virtual SIM, which SORACOM bills, with the SORACOM API. */
export type AuthKeyBootstrap = Common &
  SoracomOptions &
  BootstrapTarget & {
    readonly method?: 'authkey' | undefined;
    /** The name of the SIM (its tag `name`). */
    readonly name?: string | undefined;
    /** The ID of the SIM's group. */
    readonly group?: string | undefined;
    readonly tags?: Readonly<Record<string, string>> | undefined;
    /** Generates the key on this machine, so that SORACOM gets only the public key. Needs `path`. */
    readonly ownKey?: boolean | undefined;
    /** Saves the auth key in arc.json, as soratun does. */
    readonly saveProfile?: boolean | undefined;
    /** The ID of a SIM that gets a new key, instead of creating a SIM. Needs `path`. */
    readonly adopt?: string | undefined;
    /** Creates a SIM although an interrupted call may already have created one. */
    readonly createAnother?: boolean | undefined;
  };

/** Gets the virtual SIM of a SORACOM Air SIM over its cellular connection. Replaces the key. */
export type CellularBootstrap = Common &
  BootstrapTarget & {
    readonly method: 'cellular';
    /** The base URL of SORACOM Krypton, without `/v1`. */
    readonly endpoint?: string | undefined;
    /** The base URL of the metadata service, which reports the SIM ID. */
    readonly metadataEndpoint?: string | undefined;
  };

/** Gets the virtual SIM of a SORACOM Air SIM in a reader or modem. Replaces the key. */
export type SimBootstrap = Common &
  BootstrapTarget & {
    readonly method: 'sim';
    readonly kryptonCli?: KryptonCli | undefined;
  };

/** How to run krypton-cli (docs/reference/commands/bootstrap-sim.md). */
export interface KryptonCli {
  /** By default `/usr/local/bin/krypton-cli`. */
  readonly path?: string | undefined;
  /** `iso7816`, `comm`, `mmcli` or `autoDetect` (the default). */
  readonly interface?: string | undefined;
  /** The port of the modem or reader. */
  readonly portName?: string | undefined;
  readonly provisioningApiEndpointUrl?: string | undefined;
  readonly keysApiEndpointUrl?: string | undefined;
  /** Request parameters, as JSON. */
  readonly params?: string | undefined;
  readonly signatureAlgorithm?: string | undefined;
  readonly baudRate?: number | undefined;
  readonly dataBits?: number | undefined;
  readonly stopBits?: number | undefined;
  readonly parityMode?: number | undefined;
  readonly disableKeyCache?: boolean | undefined;
  readonly clearKeyCache?: boolean | undefined;
}

export interface BootstrapResult {
  /** The ID of the virtual SIM; empty if Krypton does not report it. */
  readonly simId: string;
  /** The absolute path of the written file; undefined if `save` got the configuration. */
  readonly path: string | undefined;
  /** Whether the configuration is new; false if an existing one got a new session or key. */
  readonly created: boolean;
  /** Remarks and failed optional steps, as sentences. */
  readonly notes: readonly string[];
}
