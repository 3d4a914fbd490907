/** What the SIM functions get and return. */
import type { ArcSessionStatus } from './arc-json.js';
import type { SoracomCallOptions, SoracomOptions } from './soracom-options.js';

/** A virtual SIM. Members are undefined if SORACOM does not return them. */
export interface VirtualSim {
  readonly simId: string;
  /** The value of the tag `name`; empty if the SIM has none. */
  readonly name: string;
  /** `active` or `terminated`. */
  readonly status: string | undefined;
  /** Whether SORACOM has an active session, even if no tunnel is connected. */
  readonly online: boolean | undefined;
  /** The SIM's address inside the tunnel. */
  readonly address: string | undefined;
  /** Unix milliseconds. */
  readonly createdTime: number | undefined;
  readonly groupId: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export interface VirtualSimDetails extends VirtualSim {
  readonly type: string | undefined;
  readonly speedClass: string | undefined;
  /** Unix milliseconds. */
  readonly lastModifiedTime: number | undefined;
  readonly terminationEnabled: boolean | undefined;
  readonly imsi: string | undefined;
  /** The public key that SORACOM has for the SIM, in base64. */
  readonly arcClientPeerPublicKey: string | undefined;
  readonly arcSessionStatus: ArcSessionStatus | undefined;
}

export interface ListSimsOptions extends SoracomCallOptions {
  /** Lists only SIMs that were created at this time or later. */
  readonly since?: Date | undefined;
  /** Includes terminated SIMs. */
  readonly all?: boolean | undefined;
}

export interface ListedVirtualSims {
  /** Newest first. */
  readonly sims: readonly VirtualSim[];
  /** What is missing from the list, as sentences. */
  readonly notes: readonly string[];
}

export interface TerminatedVirtualSim {
  readonly simId: string;
  readonly name: string;
  /** Whether the SIM was terminated before this call. */
  readonly alreadyTerminated: boolean;
  readonly notes: readonly string[];
}

export interface RenewKeyOptions extends SoracomOptions {
  /** The arc.json that gets the key. */
  readonly path: string;
  /** The ID of the SIM; needed only if the file does not exist. */
  readonly simId?: string | undefined;
  /** Renews the key although a tunnel on this machine is using the old one. */
  readonly force?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RenewedSimKey {
  readonly simId: string;
  /** The absolute path of the written file. */
  readonly path: string;
  readonly notes: readonly string[];
}
