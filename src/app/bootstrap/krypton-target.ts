/**
 * Stores the keys that Krypton returns. Each call to Krypton invalidates the previous keys, so all
 * checks run before the call, and the response is written to disk immediately.
 */
import { writeArcConfig } from '../../arc-config/arc-config-file.js';
import type { ArcConfig } from '../../arc-config/arc-config.js';
import { FileError, type Files } from '../../ports/files.js';
import type { Journals } from '../../ports/stores/journals.js';
import { formatArcConfig } from '../../arc-config/format-arc-config.js';
import { Secret } from '../../lib/secrets/secret.js';
import { UserError } from '../../lib/errors/user-error.js';
import { withSession } from '../session/arc-session.js';
import { keepArcConfig } from './bootstrap-rescue.js';
import { proveTargetWritable, readExistingTarget } from './bootstrap-target.js';
import { freshArcConfig, type FreshOptions } from './fresh-arc-config.js';
import type { KryptonSession } from './krypton-session.js';
import { settleSessionState } from '../session/session-state.js';
import { SimJournal } from './sim-journal.js';

export interface KryptonTargetOptions extends FreshOptions {
  /** The arc.json to create or refresh. */
  readonly path: string;
  /** Whether to return arc.json as a string, without reading or writing a file. */
  readonly dumpConfig: boolean;
  /** arctun's state folder, used if `path` cannot be written. */
  readonly rescueFolder: string;
}

export interface KryptonPorts {
  readonly files: Files;
  readonly journals: Journals;
  /** Computes the public key of an X25519 private key. */
  readonly publicKeyOf: (privateKey: Uint8Array) => Uint8Array;
  /** Shows a line to the user. */
  readonly note: (line: string) => void;
}

export type KryptonResult =
  | {
      /** The SIM ID; empty if unknown. */
      readonly simId: string;
      /** Absolute path of the written file. */
      readonly path: string;
      /** Whether the file is new. */
      readonly created: boolean;
    }
  | { readonly arcJson: Secret<string> };

/**
 * Gets the keys of a virtual SIM from Krypton, and writes or returns them.
 *
 * @param source `findSimId` returns the ID of the SIM whose keys Krypton returns, if known
 * @param signal cancels the run until the call
 * @throws UserError if the target cannot be used; nothing was changed, locally or at SORACOM
 * @throws BootstrapRescueError if the file cannot be written; errors of `source`
 */
export async function bootstrapWithKrypton(
  source: {
    readonly call: () => Promise<KryptonSession>;
    readonly findSimId?: () => Promise<string | undefined>;
  },
  options: KryptonTargetOptions,
  ports: KryptonPorts,
  signal: AbortSignal | undefined,
): Promise<KryptonResult> {
  const existing = await openKryptonTarget(options, ports);
  // Look up the SIM ID first, so that Krypton's response can be written to disk immediately.
  const simId = await source.findSimId?.();
  const copy = await keepOtherSim(existing, simId, options, ports);
  let session: KryptonSession;
  try {
    signal?.throwIfAborted();
    session = await source.call();
    copy?.tell();
  } catch (error) {
    await copy?.remove();
    throw error;
  }
  return keepKryptonSession(session, existing, simId, options, ports);
}

/** Returns the file's configuration; undefined if the file does not exist or must not be read. */
async function openKryptonTarget(
  { path, dumpConfig }: KryptonTargetOptions,
  { files, journals }: KryptonPorts,
): Promise<ArcConfig | undefined> {
  if (dumpConfig) return undefined;
  const existing = await readExistingTarget(files, path);
  await refuseInterruptedRun(journals, path);
  await proveTargetWritable(files, path);
  return existing;
}

/** Refuses to run if a journal exists: the journal may hold the only copy of another SIM's key. */
async function refuseInterruptedRun(journals: Journals, path: string): Promise<void> {
  const journal = await SimJournal.open(journals, path);
  if (journal.line === 'none') return;
  throw new UserError('configuration', {
    what: 'cannot bootstrap',
    why: `an earlier \`arctun bootstrap authkey\` or \`arctun sim renew-key\` was interrupted (${journal.path})`,
    next: [
      'Nothing was created or changed.',
      'Run that command again to finish it, or choose another file with --config.',
    ],
  });
}

interface Copy {
  readonly tell: () => void;
  /** Removes the copy. Mentions it to the user only if it cannot be removed. */
  readonly remove: () => Promise<void>;
}

/**
 * Copies an arc.json that may belong to another SIM, because that SIM's key stays valid. If the call
 * fails, the copy is removed, because arc.json is unchanged. A file with this SIM's ID is not copied,
 * because the call replaces its key anyway.
 */
async function keepOtherSim(
  existing: ArcConfig | undefined,
  simId: string | undefined,
  { path }: KryptonTargetOptions,
  { files, note }: KryptonPorts,
): Promise<Copy | undefined> {
  if (existing === undefined || existing.simId === simId) return undefined;
  const isKnown = simId !== undefined && existing.simId !== '';
  const place = files.absolute(path);
  const { path: kept, undo } = await keepCopy(files, path, existing);
  const copy = files.absolute(kept);
  const tell = () =>
    note(
      isKnown
        ? `${place} belonged to SIM ${existing.simId}. A copy was saved as ${copy}.`
        : `${place} may belong to another SIM. A copy was saved as ${copy}.`,
    );
  return { tell, remove: () => undo().catch(tell) };
}

/** The maximum number of copies. The command may run at every boot without knowing the SIM ID. */
const MOST_COPIES = 9;

/**
 * Copies arc.json to the first free path. Existing copies may hold valid keys, so only the last
 * path may be overwritten.
 * @returns the path of the copy, and a function that restores the previous state of that path
 */
async function keepCopy(
  files: Files,
  path: string,
  existing: ArcConfig,
): Promise<{ path: string; undo: () => Promise<void> }> {
  const text = formatArcConfig(existing);
  // Replace special characters, because external input becomes part of a file name.
  const first = `${path}.${existing.simId.replaceAll(/[^0-9A-Za-z]/g, '_') || 'old'}`;
  for (let number = 1; ; number++) {
    const copy = number === 1 ? first : `${first}.${number}`;
    const other = await readCopy(files, copy);
    if (other === text) return { path: copy, undo: () => Promise.resolve() };
    if (other === undefined || number === MOST_COPIES) {
      await writeArcConfig(files, copy, existing);
      const undo = () => (other ? files.replaceText(copy, other) : files.remove(copy));
      return { path: copy, undo };
    }
  }
}

/** @returns undefined if the file does not exist; an empty string if it cannot be read */
async function readCopy(files: Files, path: string): Promise<string | undefined> {
  try {
    return await files.readText(path);
  } catch (error) {
    return error instanceof FileError && error.failure === 'absent' ? undefined : '';
  }
}

/**
 * Writes the configuration to the file, or returns it.
 *
 * @param simId undefined if unknown; the file then keeps its SIM ID
 * @throws BootstrapRescueError if the file cannot be written
 */
async function keepKryptonSession(
  answer: KryptonSession,
  existing: ArcConfig | undefined,
  simId: string | undefined,
  options: KryptonTargetOptions,
  { files, publicKeyOf }: KryptonPorts,
): Promise<KryptonResult> {
  const keys = {
    privateKey: answer.privateKey,
    publicKey: publicKeyOf(answer.privateKey.expose()),
    simId: simId ?? existing?.simId ?? '',
  };
  const config = existing
    ? withSession({ ...existing, ...keys }, answer.session)
    : freshArcConfig({ ...keys, arcSessionStatus: answer.session }, options);
  if (options.dumpConfig) return { arcJson: new Secret(formatArcConfig(config)) };
  await keepArcConfig(files, config, {
    path: options.path,
    rescueFolder: options.rescueFolder,
    replace: existing !== undefined,
    done: 'Krypton has created a new key pair',
    warning:
      'If you lose the new arc.json, try again: the previous key pair no longer works. This will not create a second SIM.',
  });
  await settleSessionState(config, { files, stateFolder: options.rescueFolder });
  return {
    simId: config.simId,
    path: files.absolute(options.path),
    created: existing === undefined,
  };
}
