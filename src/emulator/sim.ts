/** What a SIM is: a virtual one, or the physical one, the line. */
import type { IpAddress } from '../wire/ip-address.js';

/** Session events kept of each SIM. */
export const MAX_EVENTS = 32;

export interface Sim {
  readonly simId: string;
  readonly operatorId: string;
  readonly type: 'virtual' | 'uicc';
  /** Of its primary subscription. */
  readonly imsi: string;
  readonly status: 'active' | 'terminated';
  /** The name is the tag `name`. */
  readonly tags: ReadonlyMap<string, string>;
  readonly groupId?: string | undefined;
  /** While false the SIM is protected: it cannot be terminated. */
  readonly terminationEnabled: boolean;
  /** Unix milliseconds, as all times here. */
  readonly createdTime: number;
  readonly lastModifiedTime: number;
  /** The virtual subscription; the line has none before Krypton gave it one. */
  readonly arc?: ArcSubscription | undefined;
  readonly previousSession?: PastSession | undefined;
  /** The newest first, MAX_EVENTS at most. */
  readonly events: readonly SessionEvent[];
}

export type ArcSim = Sim & { readonly arc: ArcSubscription };

export interface ArcSubscription {
  /** Of a virtual SIM that stands alone, its SIM's id. */
  readonly iccid: string;
  readonly imsi: string;
  /** Of the client. */
  readonly publicKey: Uint8Array;
  /** Of the client inside the tunnel. */
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

/** Of the chip, as the API names it. */
export function moduleType({ type }: Sim): string {
  return type === 'virtual' ? 'virtual' : 'nano';
}

/** Of the subscription, as the API names it. */
export function speedClass({ type }: Sim): string {
  return type === 'virtual' ? 'arc.standard' : 's1.standard';
}
