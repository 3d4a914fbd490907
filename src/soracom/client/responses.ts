/**
 * What we read of the API's answers (schemas AuthResponse, Sim, ArcSessionCreateResponse and
 * SessionEvent of its OpenAPI document). Members that we do not read may come and go.
 */
import * as z from 'zod';
import { Secret } from '../../lib/secrets/secret.js';

const secretText = z
  .string()
  .min(1)
  .transform((text) => new Secret(text));

export const authAnswer = z.object({
  apiKey: secretText,
  token: secretText,
  operatorId: z.string().optional().catch(undefined),
});
export type AuthResponse = z.infer<typeof authAnswer>;

/**
 * A session as the API tells it. Its values stay text here; src/arc-config knows what they mean.
 * Names are the API's.
 */
export const arcSessionAnswer = z.object({
  arcServerPeerPublicKey: z.string(),
  arcServerEndpoint: z.string(),
  arcAllowedIPs: z.array(z.string()),
  arcClientPeerIpAddress: z.string(),
});
export type ArcSessionResponse = z.infer<typeof arcSessionAnswer>;

/** A member that has the wrong shape reads as if it were absent. */
const absent = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined);
const text = absent(z.string());
/** Unix milliseconds. */
const time = absent(z.number());
const recordOf = <T extends z.ZodType>(schema: T) => absent(z.record(z.string(), absent(schema)));

const simProfile = z.object({
  iccid: text,
  primaryImsi: text,
  arcClientPeerPublicKey: text,
  /** In the answer to createSim alone, once and never again. */
  arcClientPeerPrivateKey: absent(secretText),
});

/** The session of the SIM on the platform; that it is online does not say that a tunnel stands. */
const sessionStatus = z.object({
  online: absent(z.boolean()),
  lastUpdatedAt: time,
  ueIpAddress: text,
  imsi: text,
  placement: absent(z.object({ infrastructureProvider: text, region: text })),
});

/**
 * A SIM. Only its id is demanded: createSim's answer carries a private key that nobody shows
 * twice, so no oddity elsewhere may make us throw it away.
 */
export const simAnswer = z.object({
  simId: z.string().min(1),
  /** `active` or `terminated` for a virtual SIM. */
  status: text,
  /** `virtual`, `uicc` or `euicc`. */
  type: text,
  /** Such as `arc.standard`. */
  speedClass: text,
  groupId: text,
  /** Among them `name`, the SIM's name. */
  tags: recordOf(z.string()),
  createdTime: time,
  lastModifiedTime: time,
  /** Whether it can be terminated; otherwise it is protected. */
  terminationEnabled: absent(z.boolean()),
  activeProfileId: text,
  sessionStatus: absent(sessionStatus),
  arcSessionStatus: absent(arcSessionAnswer.nullable().transform((value) => value ?? undefined)),
  /** By ICCID. */
  profiles: recordOf(simProfile),
});
export type SimResponse = z.infer<typeof simAnswer>;

/**
 * The answer to createSim. Where its simId is missing or no text, the profile with the private key
 * names the SIM: the ICCID of a stand-alone virtual SIM is its id.
 */
export const createdSimAnswer = z.preprocess(withSimId, simAnswer);

function withSimId(answer: unknown): unknown {
  const known = z.object({ profiles: recordOf(simProfile) }).safeParse(answer);
  if (!known.success || simAnswer.safeParse(answer).success) return answer;
  const [iccid] =
    Object.entries(known.data.profiles ?? {}).find(
      ([, profile]) => profile?.arcClientPeerPrivateKey !== undefined,
    ) ?? [];
  return { ...(answer as object), simId: iccid };
}

/** Of these answers only that they are JSON objects matters: a captive portal's page is none. */
export const anyAnswer = z.object({});

/** Where the answer to renewArcSimCredentials names a public key, it is the one that was sent. */
export function arcCredentialsResponse(publicKey: string) {
  return z.object({ arcClientPeerPublicKey: z.literal(publicKey).nullish() });
}

export const simAnswers = z.array(simAnswer);

/** What happened to a session, such as `Created`, `Modified` or `Deleted`. */
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

const refusalMessage = z.object({ code: text, message: z.string() });

/** How the API says no: usually with this, in some calls one level down, but not always. */
export const refusal = z.union([
  refusalMessage,
  z.object({ errorMessage: refusalMessage }).transform(({ errorMessage }) => errorMessage),
]);
