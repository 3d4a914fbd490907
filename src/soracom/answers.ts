/**
 * What we read of the API's answers (schemas AuthResponse, Sim and ArcSessionCreateResponse of its
 * OpenAPI document). Members that we do not read may come and go.
 */
import { z } from 'zod';
import { Secret } from '../lib/secret.js';

const secretText = z
  .string()
  .min(1)
  .transform((text) => new Secret(text));

export const authAnswer = z.object({ apiKey: secretText, token: secretText });
export type AuthAnswer = z.infer<typeof authAnswer>;

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
export type ArcSessionAnswer = z.infer<typeof arcSessionAnswer>;

/** A map entry whose member has the wrong shape reads as if it were absent. */
const absent = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined);

const simProfile = z.object({
  arcClientPeerPublicKey: absent(z.string()),
  /** In the answer to createSim alone, once and never again. */
  arcClientPeerPrivateKey: absent(secretText),
});

/**
 * A SIM. Only its id is demanded: createSim's answer carries a private key that nobody shows
 * twice, so no oddity elsewhere may make us throw it away.
 */
export const simAnswer = z.object({
  simId: z.string().min(1),
  status: absent(z.string()),
  arcSessionStatus: absent(arcSessionAnswer.nullable().transform((value) => value ?? undefined)),
  profiles: absent(z.record(z.string(), absent(simProfile))),
});
export type SimAnswer = z.infer<typeof simAnswer>;

/** How the API says no: usually with this, but not always. */
export const refusal = z.object({ code: z.string(), message: z.string() });
