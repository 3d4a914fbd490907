/**
 * The model of arc.json. The parser validates arc.json with this model, and the JSON Schema in
 * `schema/` is generated from the model.
 *
 * The model validates values in canonical form (canonical-tree.ts): member names match exactly, and
 * null equals absent. The message of an issue says what was expected. The model uses zod's mini
 * variant, because `up` loads this file.
 */
import * as z from 'zod/mini';
import { Secret } from '../lib/secrets/secret.js';
import { KEY_LENGTH } from './arc-config.js';
import { formatKey, parseCidr, parseEndpoint, parseIp, parseKey } from './value-syntax.js';

const ZERO_KEY = formatKey(new Uint8Array(KEY_LENGTH));
const MAX_U16 = 0xffff;

const EXPECTED = {
  key: 'a key of 32 bytes in base64 (44 characters, with "=" at the end)',
  cidr: 'a CIDR such as "100.127.0.0/16"',
  endpoint: '"host" or "host:port" with a port from 0 to 65535',
  address: 'an IP address without a prefix length, such as "10.0.0.2"',
};

/** A string that `parse` converts. The pattern covers as much syntax as editors can check. */
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

// Go's base64 decoder skips newlines anywhere in the string.
const KEY_PATTERN = /^(?:[\r\n]*[A-Za-z0-9+/]){43}[\r\n]*=[\r\n]*$/;

function key(description: string) {
  return described(z.prefault(text(EXPECTED.key, KEY_PATTERN, parseKey), ZERO_KEY), description);
}

function string(description: string, ...examples: string[]) {
  return described(z._default(z.string({ error: 'a string' }), ''), description, ...examples);
}

function cidrs() {
  const cidr = text(EXPECTED.cidr, /^[0-9A-Fa-f.:]+\/\d+$/, parseCidr);
  return z.array(cidr, { error: 'an array' });
}

function commands(description: string, ...examples: string[][][]) {
  const command = z.array(z.string({ error: 'a string' }), { error: 'an array' });
  const list = z.array(command, { error: 'an array' });
  return described(z._default(list, []), description, ...examples);
}

function u16(description: string, ...examples: number[]) {
  const error = `an integer from 0 to ${MAX_U16}`;
  const integer = z.int({ error }).check(z.minimum(0, { error }), z.maximum(MAX_U16, { error }));
  return described(z._default(integer, 0), description, ...examples);
}

function secret<S extends z.ZodMiniType>(schema: S) {
  return z.pipe(
    schema,
    z.transform((value: z.output<S>) => new Secret(value)),
  );
}

/** Adds metadata for the JSON Schema. */
function described<S extends z.ZodMiniType>(
  schema: S,
  description: string,
  ...examples: unknown[]
): S {
  z.globalRegistry.add(schema, { description, ...(examples.length > 0 && { examples }) });
  return schema;
}

export const arcSessionModel = z.looseObject(
  {
    arcServerPeerPublicKey: key('WireGuard public key of the Arc server.'),
    arcServerEndpoint: described(
      z.nullish(text(EXPECTED.endpoint, /^\S+$/, parseEndpoint)),
      'The Arc server as "host" or "host:port". The default port is 11010.',
      'xxxxx.arc.soracom.io:11010',
    ),
    arcAllowedIPs: described(z.nullish(cidrs()), 'CIDRs to route through the tunnel.', [
      '100.127.0.0/16',
    ]),
    arcClientPeerIpAddress: described(
      z.optional(
        // In soratun, an empty string means that there is no address.
        text(EXPECTED.address, /^[0-9A-Fa-f.:]*$/, (value) => (value === '' ? '' : parseIp(value))),
      ),
      'Address of this SIM inside the tunnel, without the "/32" that the user console shows.',
      '10.227.47.214',
    ),
    arcClientPeerPrivateKey: described(
      z.optional(secret(text(EXPECTED.key, KEY_PATTERN, parseKey))),
      'Used as the private key if privateKey is missing. arctun never writes this member.',
    ),
  },
  { error: 'an object' },
);

function forwards(description: string, ...examples: string[][]) {
  const list = z.array(z.string({ error: 'a string' }), { error: 'an array' });
  return described(z._default(list, []), description, ...examples);
}

const forwardsModel = z.looseObject(
  {
    local: forwards(
      'Local ports and Unix sockets that lead into the tunnel, as in --local-forward: "[BIND:]PORT:HOST:HOSTPORT", with "/udp" at the end for UDP.',
      ['8080:10.0.0.3:80', '5353:100.127.0.53:53/udp'],
    ),
    remote: forwards(
      'Ports of the virtual SIM that lead to services on this machine or its network, as in --remote-forward: "PORT:HOST:HOSTPORT", with "/udp" at the end for UDP.',
      ['2222:127.0.0.1:22'],
    ),
  },
  { error: 'an object' },
);

const profileModel = z.looseObject(
  {
    authKey: described(
      z.prefault(secret(z.string({ error: 'a string' })), ''),
      'Secret of the auth key. Anyone who can read this file can use the auth key.',
      'secret-XXXXXXXX',
    ),
    authKeyId: string('ID of the auth key.', 'keyId-XXXXXXXX'),
    endpoint: string(
      'Base URL of the SORACOM API, without "/v1". If it is empty, the API for Japan coverage is used.',
      'https://g.api.soracom.io',
    ),
  },
  { error: 'an object' },
);

export const arcConfigModel = described(
  z.looseObject(
    {
      privateKey: described(
        z.prefault(secret(text(EXPECTED.key, KEY_PATTERN, parseKey)), ZERO_KEY),
        'WireGuard private key of this SIM. SORACOM shows it only once.',
      ),
      publicKey: key(
        "WireGuard public key of this SIM, not the server's. The tunnel does not use it.",
      ),
      simId: string('ID of the virtual SIM.', '8942310022000012345'),
      logLevel: described(
        z._default(z.int({ error: 'an integer' }), 0),
        'Log level. With 0 or 1, arctun logs warnings and errors; with 2, it also logs info messages. soratun logs nothing with 0, errors with 1, and everything with 2.',
        1,
        2,
      ),
      enableMetrics: described(
        z._default(z.boolean({ error: 'true or false' }), false),
        'Log the traffic counters of the tunnel.',
        true,
      ),
      interface: string(
        'Name of the network interface. If it is empty, the system chooses a name.',
        'soratun0',
      ),
      additionalAllowedIPs: described(
        z._default(cidrs(), []),
        'CIDRs to route through the tunnel in addition to arcSessionStatus.arcAllowedIPs.',
        ['10.128.0.0/9'],
      ),
      mtu: u16('MTU of the tunnel in bytes. 0 means 1420.', 1380),
      persistentKeepalive: u16('Seconds between keepalives. 0 means 60.', 25),
      preUp: commands(
        'Commands to run before the tunnel opens, in the same format as postUp. soratun ignores them.',
        [['modprobe', 'tun']],
      ),
      postUp: commands(
        'Commands to run after the tunnel opens, before its first handshake. Each command is a program with its arguments, and runs without a shell. "%i" is the name of the interface.',
        [['ip', 'route', 'add', '192.0.2.0/24', 'dev', '%i']],
      ),
      preDown: commands(
        'Commands to run before the tunnel closes, in the same format as postUp. soratun ignores them.',
        [['ip', 'route', 'del', '192.0.2.0/24', 'dev', '%i']],
      ),
      postDown: commands('Commands to run after the tunnel closes, in the same format as postUp.', [
        ['logger', 'the tunnel is closed'],
      ]),
      forwards: described(
        z.prefault(forwardsModel, {}),
        'Port forwards of "arctun up" in userspace mode. soratun ignores them.',
        { local: ['8080:10.0.0.3:80'], remote: ['2222:127.0.0.1:22'] },
      ),
      profile: described(z.optional(profileModel), 'Credentials for the SORACOM API.'),
      arcSessionStatus: described(
        z.optional(arcSessionModel),
        'The session that SORACOM created: its server, addresses and allowed IPs.',
      ),
    },
    { error: 'an object' },
  ),
  'Configuration of a SORACOM Arc tunnel, for arctun and soratun. Both accept member names in upper or lower case, and null for a missing member. arctun keeps unknown members.',
);

/**
 * The members whose values are never shown in messages. Public keys and `profile` are included,
 * because a user may have pasted a private key or the auth key there.
 */
export const HIDDEN_MEMBERS: ReadonlySet<string> = new Set([
  'privateKey',
  'publicKey',
  'arcServerPeerPublicKey',
  'arcClientPeerPrivateKey',
  'profile',
  'authKey',
]);
