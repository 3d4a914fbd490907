/** What the checks of `doctor` need from outside. */
import type { ArcProfile } from '../../arc-config/arc-config.js';
import type { Files } from '../../ports/files.js';
import type { KeyClaims } from '../../ports/key-claims.js';
import type { InterfaceLeftovers, PacketInterfaceRefusal } from '../../ports/packet-interfaces.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import type { ShareTunnelPorts } from '../access/share-tunnel.js';
import type { SignInPorts } from '../credentials/signed-in.js';
import type { TunnelMode } from '../up/choose-mode.js';
import type { PortHolder } from '../up/port-taken.js';

/** A listener that `up` would open. */
export interface WantedListener {
  /** The flag that sets the address. */
  readonly flag: string;
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
}

export interface DoctorOptions {
  /** The value of `--config`. */
  readonly config: string;
  readonly mode: TunnelMode;
  /** The name servers inside the tunnel, as IP addresses. */
  readonly nameServers: readonly string[];
  readonly listeners: readonly WantedListener[];
  /** Whether to fix what can be fixed safely. */
  readonly fix: boolean;
  /** Whether to measure how long a NAT keeps its mapping, which takes minutes. */
  readonly nat: boolean;
  /** Whether to watch longer for another tunnel. */
  readonly rival: boolean;
  readonly pid: number;
  /** Folders that contain the control sockets of running tunnels. */
  readonly runFolders: readonly string[];
  readonly stateFolder: string;
  readonly signal: AbortSignal;
}

/** The operating system, as far as only `doctor` needs it. */
export interface DoctorSystem {
  /** The ID of this user; undefined on a system without user IDs. */
  readonly user: number | undefined;
  /** The version of Node.js, such as `v20.19.0`. */
  readonly nodeVersion: string;
  /** Why koffi cannot be loaded; undefined if it can. */
  koffiFailure(): Promise<string | undefined>;
  /** Listens for a moment. Resolves with the system's error; undefined if the port is free. */
  tryListen(host: string, port: number): Promise<Error | undefined>;
  /**
   * Resolves with the system's error if no file can be created in a folder. If the folder does not
   * exist, checks whether it can be created. Leaves nothing behind.
   */
  tryFolder(folder: string): Promise<{ readonly exists: boolean; readonly fault?: Error }>;
  /** Sets a file's mode to 0600. @throws Error with the system's `code` */
  makePrivate(path: string): Promise<void>;
}

export type AccountApi = Pick<SoracomApi, 'auth' | 'logout' | 'getSim' | 'sendDownlinkPing'>;

export interface DoctorPorts extends TunnelPorts, ShareTunnelPorts {
  readonly files: Files;
  readonly system: DoctorSystem;
  readonly claims: KeyClaims;
  readonly portHolder: PortHolder;
  readonly account: SignInPorts<AccountApi>;
  /**
   * Returns the API's time in Unix milliseconds, from the Date of any response. No credentials are
   * sent. Undefined without a Date.
   *
   * @throws UserError of kind `usage` if the settings are invalid; TransportError
   */
  serverTime(profile: ArcProfile | undefined, signal: AbortSignal): Promise<number | undefined>;
  /** Undefined if the operating system has no network interfaces, or koffi cannot be loaded. */
  interfaceLeftovers(): Promise<InterfaceLeftovers | undefined>;
  /** Why an interface with this name cannot be created; undefined if no obstacle is known. */
  interfaceObstacle(name: string): Promise<PacketInterfaceRefusal | undefined>;
}
