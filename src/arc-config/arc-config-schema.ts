/**
 * The one truth about what arc.json may hold. The reader checks with this model, and the JSON Schema
 * in `schema/` is made from it.
 *
 * It is told of values in their canonical form (canonical-tree.ts): names as they stand here, null
 * and absent the same. The message of an issue is what was expected. zod's small form is used, for
 * `up` loads this file.
 */
import * as z from 'zod/mini';
import { Secret } from '../lib/secrets/secret.js';
import { KEY_LENGTH } from './arc-config.js';
import { formatKey, parseCidr, parseEndpoint, parseIp, parseKey } from './value-syntax.js';

const ZERO_KEY = formatKey(new Uint8Array(KEY_LENGTH));
const MAX_U16 = 0xffff;

const EXPECTED = {
  key: 'a key: 32 bytes in base64, 44 characters with the "=" at the end',
  cidr: 'a CIDR such as "100.127.0.0/16"',
  endpoint: '"host" or "host:port", port 0 to 65535',
  address: 'an IP address without prefix, such as "10.0.0.2"',
};

/**
 * Text that `parse` understands. The pattern says as much of that as an editor can check.
 */
function text<T>(expected: string, pattern: RegExp, parse: (value: string) => T | undefined) {
  return z.pipe(
    z.string({ error: expected }).check(z.regex(pattern, { error: expected })),
    z.transform((value: string, context) => {
      const parsed = parse(value);
      if (parsed !== undefined) return parsed;
      context.issues.push({ code: 'custom', message: expected, input: value });
      return z.NEVER;
    }),
  );
}

// Go's base64 skips line ends, wherever they stand.
const KEY_PATTERN = /^(?:[\r\n]*[A-Za-z0-9+/]){43}[\r\n]*=[\r\n]*$/;

function key(description: string) {
  return described(z.prefault(text(EXPECTED.key, KEY_PATTERN, parseKey), ZERO_KEY), description);
}

function string(description: string) {
  return described(z._default(z.string({ error: 'a string' }), ''), description);
}

function cidrs() {
  const cidr = text(EXPECTED.cidr, /^[0-9A-Fa-f.:]+\/\d+$/, parseCidr);
  return z.array(cidr, { error: 'an array' });
}

function commands(description: string) {
  const command = z.array(z.string({ error: 'a string' }), { error: 'an array' });
  const list = z.array(command, { error: 'an array' });
  return described(z._default(list, []), description);
}

function u16(description: string) {
  const error = `an integer from 0 to ${MAX_U16}`;
  const integer = z.int({ error }).check(z.minimum(0, { error }), z.maximum(MAX_U16, { error }));
  return described(z._default(integer, 0), description);
}

function secret<S extends z.ZodMiniType>(schema: S) {
  return z.pipe(
    schema,
    z.transform((value: z.output<S>) => new Secret(value)),
  );
}

/** For whoever reads the JSON Schema. */
function described<S extends z.ZodMiniType>(schema: S, description: string): S {
  z.globalRegistry.add(schema, { description });
  return schema;
}

export const arcSessionModel = z.looseObject(
  {
    arcServerPeerPublicKey: key("The Arc server's public key."),
    arcServerEndpoint: described(
      z.nullish(text(EXPECTED.endpoint, /^\S+$/, parseEndpoint)),
      'The Arc server as "host" or "host:port"; port 11010 when absent. Kept as it is written.',
    ),
    arcAllowedIPs: described(
      z.nullish(cidrs()),
      'CIDRs that are reached through the tunnel. Host bits are masked when the file is written.',
    ),
    arcClientPeerIpAddress: described(
      z.optional(
        // soratun reads the empty text as no address, and writes it for none.
        text(EXPECTED.address, /^[0-9A-Fa-f.:]*$/, (value) => (value === '' ? '' : parseIp(value))),
      ),
      'Our address inside the tunnel, without the "/32" that the console shows.',
    ),
    arcClientPeerPrivateKey: described(
      z.optional(secret(text(EXPECTED.key, KEY_PATTERN, parseKey))),
      'Read as privateKey where that is absent, and never written here.',
    ),
  },
  { error: 'an object' },
);

const profileModel = z.looseObject(
  {
    authKey: described(
      z.prefault(secret(z.string({ error: 'a string' })), ''),
      'The secret of the auth key ("secret-…"). Better kept out of this file.',
    ),
    authKeyId: string('The id of the auth key ("keyId-…").'),
    endpoint: string('Base URL of the API, without "/v1"; Japan when empty.'),
  },
  { error: 'an object' },
);

export const arcConfigModel = described(
  z.looseObject(
    {
      privateKey: described(
        z.prefault(secret(text(EXPECTED.key, KEY_PATTERN, parseKey)), ZERO_KEY),
        'Our WireGuard private key. The platform shows it once.',
      ),
      publicKey: key("Our own public key, not the server's. Opening the tunnel does not need it."),
      simId: string('The id of the virtual SIM in the API.'),
      logLevel: described(
        z._default(z.int({ error: 'an integer' }), 0),
        '1 errors, 2 everything in soratun; here 1 is errors and warnings, and 2 is info. 0 is silent in soratun; here it is the same as 1, and so is a file without it.',
      ),
      enableMetrics: described(
        z._default(z.boolean({ error: 'true or false' }), false),
        "Log the tunnel's counters.",
      ),
      interface: string('Name of the tun device; empty lets the system choose.'),
      additionalAllowedIPs: described(
        z._default(cidrs(), []),
        'CIDRs that are reached through the tunnel beside those of the session.',
      ),
      mtu: u16('MTU of the tunnel in bytes; 0 and absent mean 1420.'),
      persistentKeepalive: u16('Seconds between keepalives; 0 and absent mean 60.'),
      preUp: commands(
        'Commands to run before the tunnel is opened, as in postUp. soratun does not run them.',
      ),
      postUp: commands(
        'Commands to run when the tunnel is open, before its first handshake, each as its program and arguments, without a shell; "%i" stands for the device.',
      ),
      preDown: commands(
        'Commands to run before the tunnel is closed, as in postUp. soratun does not run them.',
      ),
      postDown: commands('Commands to run when the tunnel is closed, as in postUp.'),
      profile: described(z.optional(profileModel), 'Credentials of the SORACOM API.'),
      arcSessionStatus: described(
        z.optional(arcSessionModel),
        'What the platform says about the other end.',
      ),
    },
    { error: 'an object' },
  ),
  'The configuration of a SORACOM Arc tunnel. The reader takes more than a schema can say: names in any case, and null for absent everywhere. Members that are not listed are kept.',
);

/**
 * Members whose value is never shown in a message. Public keys are among them, for a private one may
 * stand in their place, and so may the auth key where the profile should be.
 */
export const HIDDEN_MEMBERS: ReadonlySet<string> = new Set([
  'privateKey',
  'publicKey',
  'arcServerPeerPublicKey',
  'arcClientPeerPrivateKey',
  'profile',
  'authKey',
]);
