/** A virtual SIM or the emulator's only physical SIM: its data, and their format in the state file. */
import * as z from 'zod';

import { formatKey } from '../lib/text/key-text.js';
import { formatIpAddress, type IpAddress, parseIpAddress } from '../wire/ip-address.js';

/** The maximum number of session events stored per SIM. */
export const MAX_EVENTS = 32;

/** Unix milliseconds, like all times in a SIM's data. */
export const time = z.number().int().nonnegative();

export const tags = z.codec(
  z.array(z.strictObject({ tagName: z.string(), tagValue: z.string() })),
  z.custom<ReadonlyMap<string, string>>(),
  {
    decode: (list) => new Map(list.map(({ tagName, tagValue }) => [tagName, tagValue])),
    encode: (map) => [...map].map(([tagName, tagValue]) => ({ tagName, tagValue })),
  },
);

export const key = z.codec(z.string(), z.custom<Uint8Array>(), {
  decode: (text, { issues }) => {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length === 32 && bytes.toString('base64') === text) return new Uint8Array(bytes);
    issues.push({ code: 'custom', message: 'must be 32 bytes in base64', input: text });
    return z.NEVER;
  },
  encode: formatKey,
});

export const ipv4Address = z.codec(z.string(), z.custom<IpAddress>(), {
  decode: (text, { issues }) => {
    const parsed = parseIpAddress(text);
    if (parsed?.length === 4) return parsed;
    issues.push({ code: 'custom', message: 'must be an IPv4 address', input: text });
    return z.NEVER;
  },
  encode: formatIpAddress,
});

const session = z.strictObject({ sessionId: z.string(), createdTime: time });

const arcSubscription = z.strictObject({
  /** The ICCID of the subscription's profile; the SIM ID for a stand-alone virtual SIM. */
  iccid: z.string(),
  imsi: z.string(),
  publicKey: key,
  /** The client's address inside the tunnel. */
  address: ipv4Address,
  session: session.readonly().optional(),
});

const sessionEvent = z.strictObject({
  event: z.enum(['Created', 'Deleted']),
  time,
  sessionId: z.string(),
});

export const simSchema = z.strictObject({
  simId: z.string(),
  operatorId: z.string(),
  type: z.enum(['virtual', 'uicc']),
  /** The IMSI of the primary subscription. */
  imsi: z.string(),
  status: z.enum(['active', 'terminated']),
  /** The SIM's tags; the tag `name` contains the SIM's name. */
  tags,
  groupId: z.string().optional(),
  /** Whether the SIM can be terminated; false means that termination protection is enabled. */
  terminationEnabled: z.boolean(),
  createdTime: time,
  lastModifiedTime: time,
  /** The virtual subscription; undefined for the physical SIM until Krypton creates one. */
  arc: arcSubscription.readonly().optional(),
  previousSession: session.extend({ deletedTime: time }).readonly().optional(),
  /** The SIM's session events, newest first, at most MAX_EVENTS. */
  events: z.array(sessionEvent.readonly()).max(MAX_EVENTS).readonly(),
});

export type Sim = Readonly<z.output<typeof simSchema>>;
export type SessionEvent = Sim['events'][number];
export type ArcSim = Sim & { readonly arc: NonNullable<Sim['arc']> };

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
