/** Finds the arc.json of the extension, or the several of a pool, wherever the environment says it is. */
import { ArcConfigError } from '../arc-config/arc-config-error.js';
import { INLINE_CONFIG, resolveConfigSource } from '../arc-config/config-source.js';
import { FileError, type Files } from '../arc-config/files.js';
import { parseArcConfig } from '../arc-config/parse-arc-config.js';
import type { LoadedArcConfig } from '../app/load-arc-config.js';
import { UserError } from '../lib/user-error.js';
import type { ConfigPlace } from './settings.js';

/** Reads a secret or a parameter by its name. @throws UserError, NotYetError */
export type ReadSecret = (place: { kind: 'secret' | 'parameter'; name: string }) => Promise<string>;

export interface ConfigPorts {
  readonly files: Files;
  readonly readSecret: ReadSecret;
  /** The folder that a relative path is in. */
  readonly taskRoot: string;
}

/** A text that should hold one arc.json, or a list of them. */
interface NamedText {
  readonly text: string;
  readonly source: string;
  readonly path?: string | undefined;
}

/** What could be read, and why the rest could not. */
export interface FoundConfigs {
  /** One at least; each SIM once. */
  readonly configs: readonly LoadedArcConfig[];
  readonly faults: readonly UserError[];
}

/**
 * @throws UserError where none can be used: why the first cannot
 * @throws NotYetError where a secret cannot be read before the first invocation
 */
export async function findConfigs(place: ConfigPlace, ports: ConfigPorts): Promise<FoundConfigs> {
  const texts = await textsOf(place, ports);
  const faults: UserError[] = [];
  const configs = new Map<string, LoadedArcConfig>();
  for (const named of texts.flatMap(splitList)) {
    try {
      const loaded = load(named);
      const key = Buffer.from(loaded.config.privateKey.expose()).toString('base64');
      if (!configs.has(key)) configs.set(key, loaded);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      faults.push(error);
    }
  }
  if (configs.size === 0) throw faults[0] ?? nothing(texts.map(({ source }) => source).join(', '));
  return { configs: [...configs.values()], faults };
}

async function textsOf(place: ConfigPlace, ports: ConfigPorts): Promise<NamedText[]> {
  switch (place.kind) {
    case 'value':
      return textsOfValue(place.value, ports);
    case 'files':
      return textsOfFirst(place.paths, ports);
    case 'secret':
    case 'parameter': {
      const { kind, name } = place;
      return [{ text: await ports.readSecret({ kind, name }), source: `${kind} ${name}` }];
    }
  }
}

function textsOfValue(value: string, ports: ConfigPorts): Promise<NamedText[]> {
  const source = resolveConfigSource(value);
  if (source.kind === 'inline') {
    return Promise.resolve([{ text: source.text, source: INLINE_CONFIG }]);
  }
  const { path } = source;
  return textsOfPath(path.startsWith('/') ? path : `${ports.taskRoot}/${path}`, ports);
}

/** The first that is there. */
async function textsOfFirst(paths: readonly string[], ports: ConfigPorts): Promise<NamedText[]> {
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
    why: `there is no ${paths.join(', and no ')}`,
    next: [
      "Put arc.json into the function's package, or set ARCTUN_CONFIG, ARCTUN_CONFIG_SECRET or ARCTUN_CONFIG_PARAMETER.",
    ],
  });
}

/** A file, or a folder of files, in the order of their names. */
async function textsOfPath(path: string, { files }: ConfigPorts): Promise<NamedText[]> {
  try {
    return [{ text: await files.readText(path), source: path, path }];
  } catch (error) {
    const isFolder = error instanceof FileError && error.failure === 'failed';
    const names = isFolder ? await files.list(path).catch(() => []) : [];
    if (names.length === 0) throw error;
    const paths = [...names].sort().filter((name) => name.endsWith('.json'));
    return Promise.all(
      paths.map(async (name) => {
        const file = `${path}/${name}`;
        return { text: await files.readText(file), source: file, path: file };
      }),
    );
  }
}

/** A JSON array is a pool: each of its members is an arc.json. */
function splitList(named: NamedText): NamedText[] {
  if (!named.text.trimStart().startsWith('[')) return [named];
  let members: unknown;
  try {
    members = JSON.parse(named.text);
  } catch {
    // One text that is no JSON: its reader says where.
    return [named];
  }
  if (!Array.isArray(members)) return [named];
  return members.map((member, index) => ({
    text: JSON.stringify(member),
    source: `${named.source}[${index}]`,
  }));
}

function load({ text, source, path }: NamedText): LoadedArcConfig {
  const config = parseArcConfig(text, { path: source });
  return { config, original: config, source, path };
}

function unreadable(path: string, error: unknown): unknown {
  if (!(error instanceof FileError)) return error;
  return new UserError(
    'configuration',
    { what: `cannot read ${path}`, why: error.message },
    { cause: error },
  );
}

function nothing(source: string): ArcConfigError {
  const expected = 'one arc.json or more';
  return new ArcConfigError(source, [{ line: 0, keyPath: '', found: 'none', expected }]);
}
