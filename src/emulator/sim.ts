/** The data of a SIM: a virtual SIM, or the emulator's only physical SIM. */
import type { IpAddress } from '../wire/ip-address.js';

/** The maximum number of session events stored per SIM. */
export const MAX_EVENTS = 32;

export interface Sim {
  readonly simId: string;
  readonly operatorId: string;
  readonly type: 'virtual' | 'uicc';
  /** The IMSI of the primary subscription. */
  readonly imsi: string;
  readonly status: 'active' | 'terminated';
  /** The SIM's tags; the tag `name` contains the SIM's name. */
  readonly tags: ReadonlyMap<string, string>;
  readonly groupId?: string | undefined;
  /** Whether the SIM can be terminated; false means that termination protection is enabled. */
  readonly terminationEnabled: boolean;
  /** Unix milliseconds, like all times in a SIM's data. */
  readonly createdTime: number;
  readonly lastModifiedTime: number;
  /** The virtual subscription; undefined for the physical SIM until Krypton creates one. */
  readonly arc?: ArcSubscription | undefined;
  readonly previousSession?: PastSession | undefined;
  /** The SIM's session events, newest first, at most MAX_EVENTS. */
  readonly events: readonly SessionEvent[];
}

export type ArcSim = Sim & { readonly arc: ArcSubscription };

export interface ArcSubscription {
  /** The ICCID of the subscription's profile; the SIM ID for a stand-alone virtual SIM. */
  readonly iccid: string;
  readonly imsi: string;
  readonly publicKey: Uint8Array;
  /** The client's address inside the tunnel. */
  readonly address: IpAddress;
  readonly session?: ArcSession | undefined;
}

export interface ArcSession {
  readonly sessionId: string;
  readonly createdTime: number;
}

export interface PastSession extends ArcSession {
  readonly deletedTime: number;
}

export interface SessionEvent {
  readonly event: 'Created' | 'Deleted';
  readonly time: number;
  readonly sessionId: string;
}

export function hasArc(sim: Sim): sim is ArcSim {
  return sim.arc !== undefined;
}

/** Returns the API's name for the chip type. */
export function moduleType({ type }: Sim): string {
  return type === 'virtual' ? 'virtual' : 'nano';
}

/** Returns the API's name for the subscription's speed class. */
export function speedClass({ type }: Sim): string {
  return type === 'virtual' ? 'arc.standard' : 's1.standard';
}
