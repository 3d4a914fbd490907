/** Writes arc.json exactly like soratun: the same member order, omitted members and white space. */
import { redactCommand } from '../lib/secrets/redacted-command.js';
import { REDACTED } from '../lib/secrets/secret.js';
import { isSecretName, redactNamed } from '../lib/secrets/secret-shapes.js';
import {
  KEY_LENGTH,
  type ArcConfig,
  type ArcForwards,
  type ArcProfile,
  type ArcSession,
} from './arc-config.js';
import {
  formatJson,
  jsonNode,
  jsonObject,
  type JsonMember,
  type JsonNode,
  type JsonValue,
} from './json/json-node.js';
import { formatKey } from './value-syntax.js';

/** Formats arc.json with secrets in clear text. Unknown members come after the known ones. */
export function formatArcConfig(config: ArcConfig): string {
  return `${formatJson(configNode(config, (secret) => secret))}\n`;
}

/** @param secret returns the value to write for a secret */
function configNode(
  config: ArcConfig,
  secret: (value: string) => JsonValue,
  shownCommand: (command: readonly string[]) => JsonValue = (command) => command,
): JsonNode {
  const { profile, arcSessionStatus: session } = config;
  return jsonObject([
    ...config.unknownKeys.filter(isSchema),
    ...membersOf({
      privateKey: secret(formatKey(config.privateKey.expose())),
      publicKey: formatKey(config.publicKey),
      simId: config.simId,
      logLevel: config.logLevel,
      enableMetrics: config.enableMetrics,
      interface: config.interface,
      additionalAllowedIPs: omitEmpty(config.additionalAllowedIps),
      mtu: omitEmpty(config.mtu),
      persistentKeepalive: omitEmpty(config.persistentKeepalive),
      preUp: omitEmpty(config.preUp.map(shownCommand)),
      postUp: omitEmpty(config.postUp.map(shownCommand)),
      preDown: omitEmpty(config.preDown.map(shownCommand)),
      postDown: omitEmpty(config.postDown.map(shownCommand)),
      forwards: forwardsNode(config.forwards),
      profile: profile && profileNode(profile, secret),
      arcSessionStatus: session && sessionNode(session),
    }),
    ...config.unknownKeys.filter((unknown) => !isSchema(unknown)),
  ]);
}

/**
 * True for `$schema`. It stays the first member, because that is where people and editors put it.
 */
function isSchema({ key }: JsonMember): boolean {
  return key === '$schema';
}

/** Returns undefined if the member would be empty. */
function forwardsNode({ local, remote, unknownKeys }: ArcForwards): JsonNode | undefined {
  const members = membersOf({ local: omitEmpty(local), remote: omitEmpty(remote) });
  const all = [...members, ...unknownKeys];
  return all.length === 0 ? undefined : jsonObject(all);
}

function profileNode(profile: ArcProfile, secret: (value: string) => JsonValue): JsonNode {
  const authKey = profile.authKey.expose();
  return jsonObject([
    ...membersOf({
      authKey: authKey === '' ? undefined : secret(authKey),
      authKeyId: omitEmpty(profile.authKeyId),
      endpoint: omitEmpty(profile.endpoint),
    }),
    ...profile.unknownKeys,
  ]);
}

function sessionNode(session: ArcSession): JsonNode {
  return jsonObject([
    ...membersOf({
      arcServerPeerPublicKey: formatKey(session.arcServerPeerPublicKey),
      arcServerEndpoint: session.arcServerEndpoint?.text ?? null,
      arcAllowedIPs: session.arcAllowedIps,
      arcClientPeerIpAddress: session.arcClientPeerIpAddress ?? '',
    }),
    ...session.unknownKeys,
  ]);
}

/** Lists an object's members, except those without a value. */
function membersOf(values: Readonly<Record<string, JsonValue | undefined>>): JsonMember[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: jsonNode(value) }],
  );
}

/** Like Go's omitempty: returns undefined for an empty value. */
function omitEmpty<T extends JsonValue>(value: T): T | undefined {
  const isEmpty = value === '' || value === 0 || (Array.isArray(value) && value.length === 0);
  return isEmpty ? undefined : value;
}

const REDACTED_NODE = verbatim(REDACTED);
const ZERO_KEY = formatKey(new Uint8Array(KEY_LENGTH));

/**
 * Formats arc.json for display. Secrets are shown as `<redacted>`, even in unknown members whose
 * name or value suggests a secret. An absent key is shown as zeros, so that users notice it.
 */
export function redactArcConfig(config: ArcConfig): string {
  const hide = (secret: string) => (isAbsent(secret) ? secret : REDACTED_NODE);
  const node = configNode({ ...config, ...hideUnknown(config) }, hide, hiddenCommand);
  return `${formatJson(node)}\n`;
}

function hiddenCommand(command: readonly string[]): JsonValue {
  const shown = redactCommand(command);
  return command.map((word, index) => {
    const text = shown[index] ?? '';
    return text === word ? word : verbatim(text);
  });
}

/** Writes a string without Go's escapes for < and >. */
function verbatim(text: string): JsonNode {
  return { kind: 'number', text: JSON.stringify(text), offset: 0 };
}

function isAbsent(secret: string): boolean {
  return secret === '' || secret === ZERO_KEY;
}

function hideUnknown(config: ArcConfig) {
  const { forwards, profile, arcSessionStatus: session, unknownKeys } = config;
  return {
    unknownKeys: hideMembers(unknownKeys),
    forwards: { ...forwards, unknownKeys: hideMembers(forwards.unknownKeys) },
    ...(profile && { profile: { ...profile, unknownKeys: hideMembers(profile.unknownKeys) } }),
    ...(session && {
      arcSessionStatus: { ...session, unknownKeys: hideMembers(session.unknownKeys) },
    }),
  };
}

function hideMembers(members: readonly JsonMember[]): JsonMember[] {
  return members.map(({ key, value }) => ({
    key,
    value: isSecretName(key) ? REDACTED_NODE : hideInside(key, value),
  }));
}

function hideInside(name: string, node: JsonNode): JsonNode {
  if (node.kind === 'object') return { ...node, members: hideMembers(node.members) };
  if (node.kind === 'array') {
    return { ...node, items: node.items.map((item) => hideInside(name, item)) };
  }
  if (node.kind !== 'string') return node;
  return redactNamed(name, node.value) === node.value ? node : REDACTED_NODE;
}
