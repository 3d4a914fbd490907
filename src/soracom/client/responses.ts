/**
 * Schemas for the API responses that arctun reads: AuthResponse, Sim, ArcSessionCreateResponse,
 * SessionEvent and DownlinkPingResponse of the OpenAPI document. Members that arctun does not read are ignored.
 */
import * as z from 'zod/mini';
import { Secret } from '../../lib/secrets/secret.js';

/** Treats a member with the wrong type as absent. */
const absent = <T extends z.ZodMiniType>(schema: T) => z.catch(z.optional(schema), undefined);

const secretText = z.pipe(
  z.string().check(z.minLength(1)),
  z.transform((text: string) => new Secret(text)),
);

export const authAnswer = z.object({
  apiKey: secretText,
  token: secretText,
  operatorId: absent(z.string()),
});
export type AuthResponse = z.infer<typeof authAnswer>;

/**
 * An Arc session with the API's member names and unparsed string values. src/arc-config parses the
 * values.
 */
export const arcSessionAnswer = z.object({
  arcServerPeerPublicKey: z.string(),
  arcServerEndpoint: z.string(),
  arcAllowedIPs: z.array(z.string()),
  arcClientPeerIpAddress: z.string(),
});
export type ArcSessionResponse = z.infer<typeof arcSessionAnswer>;

const text = absent(z.string());
/** Unix milliseconds. */
const time = absent(z.number());
const recordOf = <T extends z.ZodMiniType>(schema: T) =>
  absent(z.record(z.string(), absent(schema)));

/** The response to createArcSession, which also contains the SIM's public key. */
export const createdSessionAnswer = z.extend(arcSessionAnswer, { arcClientPeerPublicKey: text });
export type CreatedSessionResponse = z.infer<typeof createdSessionAnswer>;

const simProfile = z.object({
  iccid: text,
  primaryImsi: text,
  arcClientPeerPublicKey: text,
  /** The private key, present only in the response to createSim. */
  arcClientPeerPrivateKey: absent(secretText),
});

/** The SIM's session status at SORACOM. `online` does not mean that a tunnel is connected. */
const sessionStatus = z.object({
  online: absent(z.boolean()),
  lastUpdatedAt: time,
  ueIpAddress: text,
  imsi: text,
  placement: absent(z.object({ infrastructureProvider: text, region: text })),
});

/**
 * A SIM. Only `simId` is required, so that an unexpected member never discards createSim's
 * response, whose private key the API sends only once.
 */
export const simAnswer = z.object({
  simId: z.string().check(z.minLength(1)),
  /** The SIM's status. For a virtual SIM, `active` or `terminated`. */
  status: text,
  /** The SIM's type: `virtual`, `uicc` or `euicc`. */
  type: text,
  /** The SIM's speed class, for example `arc.standard`. */
  speedClass: text,
  groupId: text,
  /** The SIM's tags; the tag `name` contains the SIM's name. */
  tags: recordOf(z.string()),
  createdTime: time,
  lastModifiedTime: time,
  /** Whether termination is allowed; false means that termination protection is enabled. */
  terminationEnabled: absent(z.boolean()),
  activeProfileId: text,
  sessionStatus: absent(sessionStatus),
  arcSessionStatus: absent(
    z.pipe(
      z.nullable(arcSessionAnswer),
      z.transform((value) => value ?? undefined),
    ),
  ),
  /** The SIM's profiles by ICCID. */
  profiles: recordOf(simProfile),
});
export type SimResponse = z.infer<typeof simAnswer>;

/**
 * The response to createSim. If simId is missing or not a string, the profile with the private key
 * identifies the SIM, because the SIM ID of a stand-alone virtual SIM is its ICCID.
 */
export const createdSimAnswer = z.pipe(z.transform(withSimId), simAnswer);

function withSimId(answer: unknown): unknown {
  const known = z.object({ profiles: recordOf(simProfile) }).safeParse(answer);
  if (!known.success || simAnswer.safeParse(answer).success) return answer;
  const [iccid] =
    Object.entries(known.data.profiles ?? {}).find(
      ([, profile]) => profile?.arcClientPeerPrivateKey !== undefined,
    ) ?? [];
  return { ...(answer as object), simId: iccid };
}

/** Accepts any JSON object, but not the HTML page of a captive portal. */
export const anyAnswer = z.object({});

/** The response to renewArcSimCredentials, whose public key must be the one that was sent. */
export function arcCredentialsResponse(publicKey: string) {
  return z.object({ arcClientPeerPublicKey: z.nullish(z.literal(publicKey)) });
}

export const simAnswers = z.array(simAnswer);

/** A session event, such as `Created`, `Modified` or `Deleted`. */
const sessionEvent = z.object({
  event: text,
  time,
  imsi: text,
  simId: text,
  sessionId: text,
  subscription: text,
  ueIpAddress: text,
  vpgId: text,
  gatewayPublicIpAddress: text,
});
export type SessionEvent = z.infer<typeof sessionEvent>;

export const sessionEvents = z.array(sessionEvent);

/** The response to sendDownlinkPing. Without `success`, the result is unknown. */
export const downlinkPingAnswer = z.object({ success: z.boolean() });
export type DownlinkPingResponse = z.infer<typeof downlinkPingAnswer>;

const refusalMessage = z.object({ code: text, message: z.string() });

/** The API's usual error body. Some operations put it in `errorMessage`. */
export const refusal = z.union([
  refusalMessage,
  z.pipe(
    z.object({ errorMessage: refusalMessage }),
    z.transform(({ errorMessage }) => errorMessage),
  ),
]);
