/** Writes arc.json exactly like soratun: the same member order, omitted members and white space. */
import { redactCommand } from '../lib/secrets/redacted-command.js';
import { REDACTED } from '../lib/secrets/secret.js';
import { isSecretName, redactNamed } from '../lib/secrets/secret-shapes.js';
import { KEY_LENGTH, type ArcConfig, type ArcProfile, type ArcSession } from './arc-config.js';
import {
  formatJson,
  jsonArray,
  jsonBoolean,
  jsonInteger,
  jsonNull,
  jsonObject,
  jsonString,
  jsonStrings,
  type JsonMember,
  type JsonNode,
} from './json/json-node.js';
import { formatKey } from './value-syntax.js';

/** Formats arc.json with secrets in clear text. Unknown members come after the known ones. */
export function formatArcConfig(config: ArcConfig): string {
  return `${formatJson(configNode(config, jsonString))}\n`;
}

/** @param secret formats a secret as a JSON node */
function configNode(
  config: ArcConfig,
  secret: (value: string) => JsonNode,
  commandNode: (command: readonly string[]) => JsonNode = jsonStrings,
): JsonNode {
  const { profile, arcSessionStatus: session, additionalAllowedIps } = config;
  return jsonObject([
    ...config.unknownKeys.filter(isSchema),
    member('privateKey', secret(formatKey(config.privateKey.expose()))),
    member('publicKey', jsonString(formatKey(config.publicKey))),
    member('simId', jsonString(config.simId)),
    member('logLevel', jsonInteger(config.logLevel)),
    member('enableMetrics', jsonBoolean(config.enableMetrics)),
    member('interface', jsonString(config.interface)),
    ...when(additionalAllowedIps.length > 0, 'additionalAllowedIPs', () =>
      jsonStrings(additionalAllowedIps),
    ),
    ...when(config.mtu !== 0, 'mtu', () => jsonInteger(config.mtu)),
    ...when(config.persistentKeepalive !== 0, 'persistentKeepalive', () =>
      jsonInteger(config.persistentKeepalive),
    ),
    ...(['preUp', 'postUp', 'preDown', 'postDown'] as const).flatMap((hook) =>
      when(config[hook].length > 0, hook, () => jsonArray(config[hook].map(commandNode))),
    ),
    ...(profile ? [member('profile', profileNode(profile, secret))] : []),
    ...(session ? [member('arcSessionStatus', sessionNode(session))] : []),
    ...config.unknownKeys.filter((unknown) => !isSchema(unknown)),
  ]);
}

/**
 * True for `$schema`. It stays the first member, because that is where people and editors put it.
 */
function isSchema({ key }: JsonMember): boolean {
  return key === '$schema';
}

function profileNode(profile: ArcProfile, secret: (value: string) => JsonNode): JsonNode {
  const authKey = profile.authKey.expose();
  return jsonObject([
    ...when(authKey !== '', 'authKey', () => secret(authKey)),
    ...when(profile.authKeyId !== '', 'authKeyId', () => jsonString(profile.authKeyId)),
    ...when(profile.endpoint !== '', 'endpoint', () => jsonString(profile.endpoint)),
    ...profile.unknownKeys,
  ]);
}

function sessionNode(session: ArcSession): JsonNode {
  const { arcServerEndpoint: endpoint, arcAllowedIps: allowedIps } = session;
  return jsonObject([
    member('arcServerPeerPublicKey', jsonString(formatKey(session.arcServerPeerPublicKey))),
    member('arcServerEndpoint', endpoint === undefined ? jsonNull() : jsonString(endpoint.text)),
    member('arcAllowedIPs', allowedIps === null ? jsonNull() : jsonStrings(allowedIps)),
    member('arcClientPeerIpAddress', jsonString(session.arcClientPeerIpAddress ?? '')),
    ...session.unknownKeys,
  ]);
}

function member(key: string, value: JsonNode): JsonMember {
  return { key, value };
}

function when(condition: boolean, key: string, value: () => JsonNode): JsonMember[] {
  return condition ? [member(key, value())] : [];
}

const REDACTED_NODE = verbatim(REDACTED);
const ZERO_KEY = formatKey(new Uint8Array(KEY_LENGTH));

/**
 * Formats arc.json for display. Secrets are shown as `<redacted>`, even in unknown members whose
 * name or value suggests a secret. An absent key is shown as zeros, so that users notice it.
 */
export function redactArcConfig(config: ArcConfig): string {
  const hide = (secret: string) => (isAbsent(secret) ? jsonString(secret) : REDACTED_NODE);
  const node = configNode({ ...config, ...hideUnknown(config) }, hide, hiddenCommand);
  return `${formatJson(node)}\n`;
}

function hiddenCommand(command: readonly string[]): JsonNode {
  const shown = redactCommand(command);
  return jsonArray(
    command.map((word, index) => {
      const text = shown[index] ?? '';
      return text === word ? jsonString(word) : verbatim(text);
    }),
  );
}

/** Writes a string without Go's escapes for < and >. */
function verbatim(text: string): JsonNode {
  return { kind: 'number', text: JSON.stringify(text), offset: 0 };
}

function isAbsent(secret: string): boolean {
  return secret === '' || secret === ZERO_KEY;
}

function hideUnknown({ profile, arcSessionStatus: session, unknownKeys }: ArcConfig) {
  return {
    unknownKeys: hideMembers(unknownKeys),
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
