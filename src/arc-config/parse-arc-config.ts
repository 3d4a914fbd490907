/**
 * Parses arc.json by soratun's rules: member names match in any case, all members are optional,
 * types are exact, and unknown members are kept. Parsing does not resolve host names.
 */
import * as z from 'zod/mini';
import type { Secret } from '../lib/secrets/secret.js';
import { sameBytes } from '../lib/same-bytes.js';
import { ArcConfigError, type ArcConfigFault, inOrder } from './arc-config-error.js';
import { arcConfigModel, arcSessionModel, HIDDEN_MEMBERS } from './arc-config-schema.js';
import { isZeroKey, type ArcConfig, type ArcSession } from './arc-config.js';
import {
  canonicalise,
  nodeAt,
  plainValue,
  unknownMembersAt,
  type CanonicalNode,
} from './json/canonical-tree.js';
import type { JsonMember, JsonNode } from './json/json-node.js';
import { JsonSyntaxError, readJson } from './json/json-reader.js';
import { type ConfigNotice, memberNotices } from './member-notices.js';
import { missingParts, type ZeroKeyFound } from './require-session.js';
import { clip, shownText } from './json/shown-value.js';
import { tunnelFaults, type TunnelOverrides } from './tunnel-faults.js';
import { parseKey } from './value-syntax.js';

/**
 * @param path the name of the configuration in messages: a path or another source
 * @throws ArcConfigError with all faults
 */
export function parseArcConfig(text: string, { path }: { path: string }): ArcConfig {
  const { config, faults } = readArcConfigText(text, { path });
  if (faults.length > 0) throw new ArcConfigError(path, faults);
  return config;
}

/** A configuration that may have faults, with the data for reporting further faults. */
export interface ReadArcConfig {
  /** The parsed configuration, without the faulty members. */
  readonly config: ArcConfig;
  readonly faults: readonly ArcConfigFault[];
  readonly notices: readonly ConfigNotice[];
  /** Returns the line of the member at a key path; 0 if the member is missing. */
  readonly lineOf: (keyPath: string) => number;
}

/**
 * Parses as much of the configuration as possible.
 * @throws ArcConfigError if it is not a JSON object
 */
export function readArcConfigText(text: string, { path }: { path: string }): ReadArcConfig {
  const { value, tree, faults, lines } = readDocument(text, path, arcConfigModel);
  return {
    config: toConfig(value, (...names) => unknownMembersAt(tree, names)),
    faults: inOrder([...faults, ...secondPrivateKey(tree, lines)]),
    notices: memberNotices(tree, arcConfigModel, (offset) => lines.at(offset)),
    lineOf: (keyPath) => {
      const node = nodeAt(tree, keyPath.split('.'));
      return node === undefined ? 0 : lines.at(node.offset);
    },
  };
}

/**
 * Like `parseArcConfig`, but also requires everything that a tunnel needs.
 *
 * @throws ArcConfigError with all faults, including those of `tunnelFaults`
 */
export function readTunnelConfig(
  text: string,
  { path, overrides }: { path: string; overrides?: TunnelOverrides | undefined },
): ReadArcConfig {
  const read = readArcConfigText(text, { path });
  refuseFaults(read, read.config, { path, overrides });
  return read;
}

/**
 * @param config `read.config`, possibly with a newer session
 * @throws ArcConfigError with all faults
 */
export function refuseFaults(
  read: Pick<ReadArcConfig, 'faults' | 'lineOf'>,
  config: ArcConfig,
  { path, overrides }: { path: string; overrides?: TunnelOverrides | undefined },
): void {
  refuse(read, path, (zeroKeyFound) => tunnelFaults(config, overrides, zeroKeyFound));
}

/**
 * Like `parseArcConfig`, but also requires the keys and the session.
 * @throws ArcConfigError with all faults
 */
export function readSessionConfig(text: string, { path }: { path: string }): ArcConfig {
  const read = readArcConfigText(text, { path });
  refuse(read, path, (zeroKeyFound) => missingParts(read.config, zeroKeyFound));
  return read.config;
}

function refuse(
  { faults, lineOf }: Pick<ReadArcConfig, 'faults' | 'lineOf'>,
  path: string,
  find: (zeroKeyFound: ZeroKeyFound) => readonly ArcConfigFault[],
): void {
  const places = faults.map(({ keyPath }) => keyPath.replace(/\[.*/, ''));
  const more = find((keyPath) => (lineOf(keyPath) > 0 ? 'a key that is all zeros' : 'nothing'))
    .filter(({ keyPath }) => !places.includes(keyPath))
    .map((fault) => ({ ...fault, line: lineOf(fault.keyPath) }));
  const all = [...faults, ...more];
  if (all.length === 0) return;
  const written = inOrder(all.filter(({ line }) => line > 0));
  throw new ArcConfigError(path, [...written, ...all.filter(({ line }) => line === 0)]);
}

/**
 * Parses a session object, as returned by the API and as contained in `arcSessionStatus` in
 * arc.json.
 * @throws ArcConfigError with all faults
 */
export function parseArcSession(text: string, { path }: { path: string }): ArcSession {
  const { value, tree, faults } = readDocument(text, path, arcSessionModel);
  if (faults.length > 0) throw new ArcConfigError(path, inOrder(faults));
  return toSession(value, unknownMembersAt(tree, []));
}

function toConfig(
  value: z.output<typeof arcConfigModel>,
  unknownAt: (...names: string[]) => readonly JsonMember[],
): ArcConfig {
  const { additionalAllowedIPs, profile, arcSessionStatus: session, ...rest } = value;
  return {
    ...rest,
    privateKey: privateKeyOf(value),
    additionalAllowedIps: additionalAllowedIPs,
    forwards: { ...rest.forwards, unknownKeys: unknownAt('forwards') },
    ...(profile && { profile: { ...profile, unknownKeys: unknownAt('profile') } }),
    ...(session && { arcSessionStatus: toSession(session, unknownAt('arcSessionStatus')) }),
    unknownKeys: unknownAt(),
  };
}

function toSession(
  session: z.output<typeof arcSessionModel>,
  unknownKeys: ArcSession['unknownKeys'],
): ArcSession {
  const { arcServerEndpoint, arcClientPeerIpAddress } = session;
  return {
    arcServerPeerPublicKey: session.arcServerPeerPublicKey,
    ...(arcServerEndpoint && { arcServerEndpoint }),
    arcAllowedIps: session.arcAllowedIPs ?? null,
    ...(arcClientPeerIpAddress && { arcClientPeerIpAddress }),
    unknownKeys,
  };
}

/**
 * Uses the session's private key if no top-level key is present. The session's key is not written
 * back, so `secondPrivateKey` rejects a different second key, which would be lost.
 */
function privateKeyOf(value: z.output<typeof arcConfigModel>): Secret<Uint8Array> {
  const inSession = value.arcSessionStatus?.arcClientPeerPrivateKey;
  return inSession && isZeroKey(value.privateKey.expose()) ? inSession : value.privateKey;
}

function secondPrivateKey(tree: CanonicalNode, lines: Lines): ArcConfigFault[] {
  const path = ['arcSessionStatus', 'arcClientPeerPrivateKey'];
  const second = nodeAt(tree, path);
  const keyOf = (node: CanonicalNode | undefined) =>
    node?.kind === 'string' ? parseKey(node.value) : undefined;
  const [key, other] = [keyOf(nodeAt(tree, ['privateKey'])), keyOf(second)];
  if (!key || !other || !second || isZeroKey(key)) return [];
  if (sameBytes(key, other)) return [];
  const found = 'a key that differs from privateKey';
  const expected = 'the same key or no key, because the file can contain only one private key';
  return [{ line: lines.at(second.offset), keyPath: keyPathOf(path), found, expected }];
}

/**
 * @returns the parsed `value` without the faulty members, the `tree` and `lines` of the text, and
 * the faults
 * @throws ArcConfigError if the text is not a JSON object
 */
function readDocument<Model extends z.ZodMiniType>(text: string, path: string, model: Model) {
  const tree = canonicalise(readRoot(text, path), model);
  const lines = new Lines(text);
  const plain = plainValue(tree);
  // Do not compile the model, because compiling takes longer than checking one file.
  const context = { jitless: true };
  const { data, error } = z.safeParse(model, plain, context);
  if (!error) return { value: data, tree, lines, faults: [] };
  const faults = faultsOf(error.issues, tree, lines);
  if (tree.kind !== 'object') throw new ArcConfigError(path, faults);
  for (const issue of error.issues) deleteMember(plain, issue.path);
  return { value: z.parse(model, plain, context), tree, lines, faults };
}

/** Deletes the member at a path of member names. For an array item, deletes the whole array. */
function deleteMember(root: unknown, path: readonly PropertyKey[]): void {
  const index = path.findIndex((step) => typeof step === 'number');
  const names = index < 0 ? [...path] : path.slice(0, index);
  const last = names.pop();
  const parent = names.reduce<unknown>((value, name) => Reflect.get(Object(value), name), root);
  if (last !== undefined) Reflect.deleteProperty(Object(parent) as object, last);
}

function readRoot(text: string, path: string): JsonNode {
  try {
    return readJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const { offset, found, expected } = error;
    const line = new Lines(text).at(offset);
    throw new ArcConfigError(path, [{ line, keyPath: '', found, expected }], { cause: error });
  }
}

/** Returns one fault per member, even if several checks of the member failed. */
function faultsOf(
  issues: readonly z.core.$ZodIssue[],
  tree: CanonicalNode,
  lines: Lines,
): ArcConfigFault[] {
  const faults = new Map<string, ArcConfigFault>();
  for (const { path, message } of issues) {
    const keyPath = keyPathOf(path);
    const node = nodeAt(tree, path) ?? tree;
    const isHidden = HIDDEN_MEMBERS.has(String(path.at(-1)));
    const found = describe(node, isHidden);
    faults.set(keyPath, { line: lines.at(node.offset), keyPath, found, expected: message });
  }
  return [...faults.values()];
}

function keyPathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? String(step) : `${text}.${String(step)}`;
  }, '');
}

class Lines {
  /** The offset at which each line begins. */
  readonly #starts: readonly number[];

  constructor(text: string) {
    this.#starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  }

  /** Returns the line of an offset, starting at 1. */
  at(offset: number): number {
    let [first, last] = [0, this.#starts.length];
    while (last - first > 1) {
      const middle = (first + last) >> 1;
      if ((this.#starts[middle] ?? 0) <= offset) first = middle;
      else last = middle;
    }
    return first + 1;
  }
}

function describe(node: CanonicalNode, isHidden: boolean): string {
  switch (node.kind) {
    case 'array':
    case 'object':
      return `an ${node.kind}`;
    case 'string':
      return shownText(node.value, isHidden);
    case 'number':
      return isHidden ? 'a number' : clip(node.text);
    case 'boolean':
    case 'null':
      return node.text;
  }
}
