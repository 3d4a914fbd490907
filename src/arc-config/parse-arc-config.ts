/**
 * Reads arc.json by soratun's rules: names in any case, nothing mandatory, types exact, unknown
 * members kept. No name is resolved, so that a file reads the same without a network.
 */
import { Secret } from '../lib/secret.js';
import { ArcConfigError } from './arc-config-error.js';
import { KEY_LENGTH, type ArcConfig, type ArcProfile, type ArcSession } from './arc-config.js';
import type { JsonNode, JsonObject } from './json-node.js';
import { JsonSyntaxError, readJson } from './json-reader.js';
import { lineOf, NodeReader, sortMembers, type Visibility } from './node-reader.js';
import { parseCidr, parseEndpoint, parseIp, parseKey } from './value-syntax.js';

/** The keys in the order in which they are written. */
export const ARC_CONFIG_KEYS = [
  'privateKey',
  'publicKey',
  'simId',
  'logLevel',
  'enableMetrics',
  'interface',
  'additionalAllowedIPs',
  'mtu',
  'persistentKeepalive',
  'postUp',
  'postDown',
  'profile',
  'arcSessionStatus',
] as const;
const PROFILE_KEYS = ['authKey', 'authKeyId', 'endpoint'] as const;
const SESSION_KEYS = [
  'arcServerPeerPublicKey',
  'arcServerEndpoint',
  'arcAllowedIPs',
  'arcClientPeerIpAddress',
  // Understood so that it is never written back: the session is no place for a private key.
  'arcClientPeerPrivateKey',
] as const;

const ANY_INTEGER = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
const U16 = { min: 0, max: 0xffff };

const CIDR = { parse: parseCidr, expected: 'a CIDR such as "100.127.0.0/16"' };
const ENDPOINT = { parse: parseEndpoint, expected: '"host" or "host:port", port 0 to 65535' };
const ADDRESS = {
  // soratun reads the empty text as no address, and writes it for none.
  parse: (text: string) => (text === '' ? '' : parseIp(text)),
  expected: 'an IP address without prefix, such as "10.0.0.2"',
};

/**
 * @param source how messages name the text: a path, or where it came from
 * @throws ArcConfigError with all faults
 */
export function parseArcConfig(text: string, source: { path: string }): ArcConfig {
  return readDocument(text, source, readConfig);
}

/**
 * A session alone: the object that stands under `arcSessionStatus`, as the API answers it.
 * @throws ArcConfigError with all faults
 */
export function parseArcSession(text: string, source: { path: string }): ArcSession {
  return readDocument(text, source, (reader, root) => readSession(reader, root, ''));
}

function readDocument<T>(
  text: string,
  { path }: { path: string },
  read: (reader: NodeReader, root: JsonObject) => T,
): T {
  const root = readRoot(text, path);
  const reader = new NodeReader(text);
  if (root.kind !== 'object') {
    reader.fault(root, '', 'an object');
    throw new ArcConfigError(path, reader.faults);
  }
  const value = read(reader, root);
  if (reader.faults.length > 0) {
    throw new ArcConfigError(
      path,
      reader.faults.toSorted((first, second) => first.line - second.line),
    );
  }
  return value;
}

function readRoot(text: string, path: string): JsonNode {
  try {
    return readJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const { offset, found, expected } = error;
    const line = lineOf(text, offset);
    throw new ArcConfigError(path, [{ line, keyPath: '', found, expected }], { cause: error });
  }
}

function readConfig(reader: NodeReader, root: JsonObject): ArcConfig {
  const { known, unknown } = sortMembers(root.members, ARC_CONFIG_KEYS);
  const profile = readProfile(reader, known.profile);
  const session = objectNode(reader, known.arcSessionStatus, 'arcSessionStatus');
  return {
    privateKey: new Secret(readKey(reader, known.privateKey, 'privateKey')),
    publicKey: readKey(reader, known.publicKey, 'publicKey'),
    simId: reader.string(known.simId, 'simId'),
    logLevel: reader.integer(known.logLevel, 'logLevel', ANY_INTEGER),
    enableMetrics: reader.boolean(known.enableMetrics, 'enableMetrics'),
    interface: reader.string(known.interface, 'interface'),
    additionalAllowedIps:
      readCidrs(reader, known.additionalAllowedIPs, 'additionalAllowedIPs') ?? [],
    mtu: reader.integer(known.mtu, 'mtu', U16),
    persistentKeepalive: reader.integer(known.persistentKeepalive, 'persistentKeepalive', U16),
    postUp: readCommands(reader, known.postUp, 'postUp'),
    postDown: readCommands(reader, known.postDown, 'postDown'),
    ...(profile && { profile }),
    ...(session && { arcSessionStatus: readSession(reader, session, 'arcSessionStatus') }),
    unknownKeys: unknown,
  };
}

function readProfile(reader: NodeReader, node: JsonNode | undefined): ArcProfile | undefined {
  const object = objectNode(reader, node, 'profile');
  if (object === undefined) return undefined;
  const { known, unknown } = sortMembers(object.members, PROFILE_KEYS);
  return {
    authKeyId: reader.string(known.authKeyId, 'profile.authKeyId'),
    authKey: new Secret(reader.string(known.authKey, 'profile.authKey', 'secret')),
    endpoint: reader.string(known.endpoint, 'profile.endpoint'),
    unknownKeys: unknown,
  };
}

function readSession(reader: NodeReader, object: JsonObject, path: string): ArcSession {
  const { known, unknown } = sortMembers(object.members, SESSION_KEYS);
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  readKey(reader, known.arcClientPeerPrivateKey, at('arcClientPeerPrivateKey'));
  const endpoint = reader.parsed(known.arcServerEndpoint, at('arcServerEndpoint'), ENDPOINT);
  const address = reader.parsed(
    known.arcClientPeerIpAddress,
    at('arcClientPeerIpAddress'),
    ADDRESS,
  );
  return {
    arcServerPeerPublicKey: readKey(
      reader,
      known.arcServerPeerPublicKey,
      at('arcServerPeerPublicKey'),
    ),
    ...(endpoint && { arcServerEndpoint: endpoint }),
    arcAllowedIps: readCidrs(reader, known.arcAllowedIPs, at('arcAllowedIPs')),
    ...(address && { arcClientPeerIpAddress: address }),
    unknownKeys: unknown,
  };
}

/** Keys are never shown, public ones included: the private one may stand in the wrong place. */
const KEY = {
  parse: parseKey,
  expected: 'a key: 32 bytes in base64, 44 characters with the "=" at the end',
  visibility: 'secret' as Visibility,
};

function readKey(reader: NodeReader, node: JsonNode | undefined, path: string): Uint8Array {
  return reader.parsed(node, path, KEY) ?? new Uint8Array(KEY_LENGTH);
}

function readCidrs(reader: NodeReader, node: JsonNode | undefined, path: string): string[] | null {
  return reader.list(node, path, (item, itemPath) => {
    // soratun dies of a null here; for us it is one more thing that is no CIDR.
    if (item.kind === 'null') reader.fault(item, itemPath, CIDR.expected);
    return reader.parsed(item, itemPath, CIDR) ?? '';
  });
}

function readCommands(reader: NodeReader, node: JsonNode | undefined, path: string): string[][] {
  const readArguments = (item: JsonNode, itemPath: string) =>
    reader.list(item, itemPath, (argument, argumentPath) =>
      reader.string(argument, argumentPath),
    ) ?? [];
  return reader.list(node, path, readArguments) ?? [];
}

function objectNode(
  reader: NodeReader,
  node: JsonNode | undefined,
  path: string,
): JsonObject | undefined {
  if (node === undefined || node.kind === 'null') return undefined;
  if (node.kind === 'object') return node;
  reader.fault(node, path, 'an object');
  return undefined;
}
