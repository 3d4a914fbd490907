/** Parses the response of Krypton or krypton-cli, and rejects an incomplete response. */
import * as z from 'zod/mini';
import { isZeroKey, type ArcSession } from '../../arc-config/arc-config.js';
import { parseCidr, parseEndpoint, parseIp, parseKey } from '../../arc-config/value-syntax.js';
import { Secret } from '../../lib/secrets/secret.js';
import { UserError } from '../../lib/errors/user-error.js';
import { refusal } from '../../soracom/client/responses.js';
import { KEY_MAY_BE_REPLACED } from '../../soracom/krypton/krypton.js';
import { parseJson } from '../../lib/text/parse-json.js';
import { firstLine } from '../../soracom/redact.js';

export interface KryptonSession {
  readonly privateKey: Secret<Uint8Array>;
  readonly session: ArcSession;
}

/** The maximum number of allowed IPs, to keep arc.json readable. SORACOM returns about twenty. */
const MOST_ALLOWED_IPS = 1024;

const kryptonAnswer = z.object({
  arcClientPeerPrivateKey: parsedBy(parseUsableKey),
  arcServerPeerPublicKey: parsedBy(parseUsableKey),
  arcServerEndpoint: parsedBy(parseEndpoint),
  arcAllowedIPs: z.array(parsedBy(parseCidr)).check(z.minLength(1), z.maxLength(MOST_ALLOWED_IPS)),
  arcClientPeerIpAddress: parsedBy(parseIp),
});

/**
 * @param text the response; errors never repeat any of it except the message of a refusal
 * @param giver how error messages refer to the sender of the response
 * @throws UserError of kind `api` if the session is incomplete
 */
export function readKryptonSession(text: Secret<string>, giver: string): KryptonSession {
  const json = parseJson(text.expose());
  const answer = kryptonAnswer.safeParse(json);
  if (!answer.success) throw misfit(json, answer.error.issues, giver);
  const { arcClientPeerPrivateKey, arcServerPeerPublicKey, arcServerEndpoint } = answer.data;
  const { arcAllowedIPs: arcAllowedIps, arcClientPeerIpAddress } = answer.data;
  return {
    privateKey: new Secret(arcClientPeerPrivateKey),
    session: {
      arcServerPeerPublicKey,
      arcServerEndpoint,
      arcAllowedIps,
      arcClientPeerIpAddress,
      unknownKeys: [],
    },
  };
}

function parsedBy<T>(parse: (text: string) => T | undefined) {
  return z.pipe(
    z.string(),
    z.transform((text: string, context) => {
      const value = parse(text);
      if (value !== undefined) return value;
      context.issues.push({ code: 'custom', message: 'not usable', input: text });
      return z.NEVER;
    }),
  );
}

function parseUsableKey(text: string): Uint8Array | undefined {
  const key = parseKey(text);
  return key === undefined || isZeroKey(key) ? undefined : key;
}

function misfit(
  json: unknown,
  issues: readonly { readonly path: readonly PropertyKey[] }[],
  giver: string,
): UserError {
  // krypton-cli treats HTTP 400 as success and prints the error response as its result.
  const said = refusal.safeParse(json);
  if (said.success) {
    const { code, message } = said.data;
    const words = firstLine([code, message].filter((part) => part !== undefined).join(': '));
    return unusable(`${giver} returned an error: ${words}`, [NOTHING_CHANGED]);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return unusable(
      `the response from ${giver} is not a JSON object (not shown, because it may contain a key)`,
      [NOTHING_CHANGED, KEY_MAY_BE_REPLACED],
    );
  }
  const names = new Set(issues.map(({ path }) => String(path[0])));
  return unusable(`the response from ${giver} does not contain a valid ${[...names].join(', ')}`, [
    NOTHING_CHANGED,
    KEY_MAY_BE_REPLACED,
  ]);
}

const NOTHING_CHANGED = 'No file was changed.';

function unusable(why: string, next: readonly string[]): UserError {
  return new UserError('api', { what: 'cannot use the Arc session', why, next });
}
