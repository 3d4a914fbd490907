/** Finds the extension's arc.json, or several for a pool, as environment variables specify. */
import { ArcConfigError, unplacedFault } from '../arc-config/arc-config-error.js';
import { decodeBase64, inlineConfig } from '../arc-config/config-source.js';
import { FileError, type Files } from '../ports/files.js';
import { readTunnelConfig } from '../arc-config/parse-arc-config.js';
import type { LoadedArcConfig } from '../app/config/load-arc-config.js';
import { hasSecretShape } from '../lib/secrets/secret-shapes.js';
import { UserError } from '../lib/errors/user-error.js';
import { sameBytes } from '../lib/same-bytes.js';
import { INLINE_CONFIG } from '../lib/text/config-name.js';
import { parseJson } from '../lib/text/parse-json.js';
import type { SecretPlace } from './parameters-and-secrets.js';
import type { ConfigPlace } from './settings.js';

export interface ConfigPorts {
  readonly files: Files;
  /** Reads the secret or parameter with a given name. @throws UserError, NotYetError */
  readonly readSecret: (place: SecretPlace) => Promise<string>;
  /** The base folder for relative paths. */
  readonly taskRoot: string;
}

/** Matches a base64 key. Other secrets cannot be matched, because they look like valid names. */
const KEY = /[A-Za-z0-9+/]{43}=/;

/** A string that should contain one arc.json or a list of them. */
interface NamedText {
  readonly text: string;
  readonly source: string;
  readonly path?: string | undefined;
}

/** The strings found in one place. One that could not be read is replaced with an error. */
interface FoundTexts {
  /** The name that messages use for the place. */
  readonly place: string;
  readonly texts: readonly (NamedText | UserError)[];
}

/** The valid configurations, with an error for each invalid one. */
export interface FoundConfigs {
  /** At least one configuration, without duplicate SIMs. */
  readonly configs: readonly LoadedArcConfig[];
  readonly faults: readonly UserError[];
}

/**
 * @throws UserError of the first configuration if none is usable
 * @throws NotYetError if a secret cannot be read before the first invocation
 */
export async function findConfigs(place: ConfigPlace, ports: ConfigPorts): Promise<FoundConfigs> {
  const found = await textsOf(place, ports);
  const faults: UserError[] = [];
  const configs: LoadedArcConfig[] = [];
  for (const named of found.texts.flatMap(splitList)) {
    const loaded = named instanceof UserError ? named : load(named);
    if (loaded instanceof UserError) faults.push(loaded);
    else if (!configs.some((other) => hasSameKey(other, loaded))) configs.push(loaded);
  }
  if (configs.length === 0) throw faults[0] ?? nothing(found.place);
  return { configs, faults };
}

async function textsOf(place: ConfigPlace, ports: ConfigPorts): Promise<FoundTexts> {
  switch (place.kind) {
    case 'value':
      return textsOfValue(place.value, ports);
    case 'files':
      return textsOfFirst(place.paths, ports);
    case 'secret':
    case 'parameter':
      if (!isShownAsName(place.name)) throw noName(place.kind);
      return inOnePiece(await ports.readSecret(place), `${place.kind} ${place.name}`);
  }
}

async function textsOfValue(value: string, ports: ConfigPorts): Promise<FoundTexts> {
  const text = inlineText(value);
  if (text !== undefined) return inOnePiece(text, INLINE_CONFIG);
  const path = value.startsWith('/') ? value : `${ports.taskRoot}/${value}`;
  try {
    return await textsOfPath(path, ports);
  } catch (error) {
    if (!isShownAsPath(value)) throw unusableValue();
    throw unreadable(path, error);
  }
}

/**
 * Returns the JSON of one arc.json or a list, decoded from base64 if needed; undefined for a path.
 */
function inlineText(value: string): string | undefined {
  if (value.trimStart().startsWith('[')) return value;
  const text = inlineConfig(value);
  if (text !== undefined) return text;
  const decoded = decodeBase64(value)?.trim() ?? '';
  return decoded.startsWith('[') && decoded.endsWith(']') ? decoded : undefined;
}

/** True if messages may show the value. Broken JSON may contain a key, so it is never shown. */
function isShownAsPath(value: string): boolean {
  const isPlain = /^[^\s"'{}[\]]{1,255}$/.test(value);
  return isPlain && !hasSecretShape(value) && !/^\s*[[{"]/.test(decodeBase64(value) ?? '');
}

/**
 * True if the name can be looked up and shown: at most 2,048 characters (the limit of AWS), and no
 * key in it.
 */
function isShownAsName(name: string): boolean {
  const isPlain = /^[^\s"'{}[\]]{1,2048}$/.test(name) && !KEY.test(name);
  return isPlain && !/^\s*[[{"]/.test(decodeBase64(name) ?? '');
}

function noName(kind: 'secret' | 'parameter'): UserError {
  return new UserError('configuration', {
    what: `cannot use ARCTUN_CONFIG_${kind.toUpperCase()}`,
    why: `the value must be the name of a ${kind}`,
    next: [`Put the text of arc.json in ARCTUN_CONFIG, or in the ${kind} itself.`],
  });
}

/** Reads the first path that exists. */
async function textsOfFirst(paths: readonly string[], ports: ConfigPorts): Promise<FoundTexts> {
  for (const path of paths) {
    try {
      return await textsOfPath(path, ports);
    } catch (error) {
      const isAbsent = error instanceof FileError && /absent|no-folder/.test(error.failure);
      if (!isAbsent) throw unreadable(path, error);
    }
  }
  throw new UserError('configuration', {
    what: 'the extension has no configuration',
    why: `not found: ${paths.join(', ')}`,
    next: [
      "Add arc.json to the function's package, or set ARCTUN_CONFIG, ARCTUN_CONFIG_SECRET or ARCTUN_CONFIG_PARAMETER.",
    ],
  });
}

/** Reads a file, or the files of a folder sorted by name. @throws FileError */
async function textsOfPath(path: string, { files }: ConfigPorts): Promise<FoundTexts> {
  let names: readonly string[];
  try {
    return { place: path, texts: [{ text: await files.readText(path), source: path, path }] };
  } catch (error) {
    const isFolder = error instanceof FileError && error.failure === 'is-folder';
    names = isFolder ? await files.list(path).catch(() => []) : [];
    if (names.length === 0) throw error;
  }
  const paths = names.filter((name) => name.endsWith('.json')).map((name) => `${path}/${name}`);
  const texts = paths.sort().map(async (file) => {
    const read = files.readText(file).then((text) => ({ text, source: file, path: file }));
    return read.catch((error: unknown) => unreadable(file, error));
  });
  return { place: path, texts: await Promise.all(texts) };
}

function inOnePiece(text: string, source: string): FoundTexts {
  return { place: source, texts: [{ text, source }] };
}

/** Splits a JSON array, which configures a pool: each element is an arc.json. */
function splitList(named: NamedText | UserError): readonly (NamedText | UserError)[] {
  if (named instanceof UserError || !named.text.trimStart().startsWith('[')) return [named];
  const members = parseJson(named.text);
  // Invalid JSON is not split, so that the parser of arc.json reports the position of the error.
  if (!Array.isArray(members)) return [named];
  return members.map((member, index) => ({
    text: JSON.stringify(member),
    source: `${named.source}[${index}]`,
  }));
}

function load({ text, source, path }: NamedText): LoadedArcConfig | UserError {
  try {
    const { config, notices } = readTunnelConfig(text, { path: source });
    return { config, original: config, source, path, notices };
  } catch (error) {
    if (error instanceof ArcConfigError) return invalid(error, path);
    if (error instanceof UserError) return error;
    throw error;
  }
}

/** Replaces the advice, because the user must correct the original on another machine. */
function invalid({ file, faults, cause }: ArcConfigError, path: string | undefined): UserError {
  const place = path === undefined ? file : 'the file';
  const subject = file.startsWith(INLINE_CONFIG) ? 'ARCTUN_CONFIG' : place;
  const next = [`Correct ${subject}, then check the JSON with \`arctun config validate -\`.`];
  return new ArcConfigError(file, faults, { next, cause });
}

/** True if both configurations have the same key, which identifies the virtual SIM. */
function hasSameKey({ config: one }: LoadedArcConfig, { config: other }: LoadedArcConfig): boolean {
  return sameBytes(one.privateKey.expose(), other.privateKey.expose());
}

function unusableValue(): UserError {
  return new UserError('configuration', {
    what: 'cannot use ARCTUN_CONFIG',
    why: 'the value must be JSON, base64, or the path of a file',
    next: ['Check that the value is complete and is quoted only once.'],
  });
}

/** @throws the given error, if it is not a FileError */
function unreadable(path: string, error: unknown): UserError {
  if (!(error instanceof FileError)) throw error;
  const isDenied = error.failure === 'denied';
  // arc.json keeps mode 600 in a deployment package, so the extension's user cannot read it.
  const next = isDenied
    ? ['Run "chmod 644" on the file before you package it: the extension runs as another user.']
    : [];
  return new UserError('configuration', {
    what: `cannot read ${path}`,
    why: error.message,
    next,
    cause: error,
  });
}

function nothing(source: string): ArcConfigError {
  return new ArcConfigError(source, [unplacedFault('', 'none', 'one or more arc.json files')]);
}
