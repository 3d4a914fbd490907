/**
 * The file that keeps the emulator's state across restarts (`--state`): the Arc server's key, SIMs
 * with public keys, sessions, tags, groups, and added users, but no client's private key.
 */
import * as z from 'zod';

import { fileFaultKind } from '../lib/errors/file-fault.js';
import { Secret } from '../lib/secrets/secret.js';
import { SerialQueue } from '../lib/serial-queue.js';
import { UserError } from '../lib/errors/user-error.js';
import { parseJson } from '../lib/text/parse-json.js';
import type { Files } from '../ports/files.js';
import { formatIpAddress } from '../wire/ip-address.js';
import { groupSchema } from './groups.js';
import type { SavedPlatform } from './platform-state.js';
import { key, type Sim, simSchema } from './sim.js';
import { MAX_SIMS } from './sims.js';
import { emulatorUser, MAX_USERS } from './users.js';

/** The file system functions for the state file. */
export type StateFiles = Pick<Files, 'readText' | 'replaceText'>;

export interface SavedState {
  readonly arcServerPrivateKey: Secret<Uint8Array>;
  readonly platform: SavedPlatform;
}

/**
 * The maximum size of the state file in bytes. A larger file could not be read at the next start.
 */
export const MAX_STATE_LENGTH = 1 << 20;

const stateFile = z.strictObject({
  version: z.literal(1, 'must be 1, because this version of arctun cannot read other formats'),
  arcServer: z.strictObject({ privateKey: key }),
  run: z.string().regex(/^\d{8}$/),
  users: z.array(emulatorUser).max(MAX_USERS).readonly(),
  groups: z.array(groupSchema).readonly(),
  sims: z
    .array(simSchema)
    .min(1)
    .max(MAX_SIMS + 1)
    .refine(areDistinct, { message: 'two SIMs must not have the same ID, address or public key' })
    .refine(([line]) => line?.type === 'uicc', {
      message: 'the first SIM must be the one used by the cellular connection',
    })
    .readonly(),
});

export class StateFile {
  readonly #path: string;
  readonly #files: StateFiles;
  #written: string | undefined;
  readonly #writes = new SerialQueue();

  constructor(path: string, files: StateFiles) {
    this.#path = path;
    this.#files = files;
  }

  /**
   * Loads the saved state; returns undefined if the file does not exist.
   *
   * @throws UserError if the file cannot be read or is not a state file; the file is left unchanged
   */
  async load(): Promise<SavedState | undefined> {
    let text: string;
    try {
      text = await this.#files.readText(this.#path);
    } catch (error) {
      if ((error as { failure?: unknown }).failure === 'absent') return undefined;
      throw this.#refuse('read', error);
    }
    const state = this.#parse(text);
    this.#written = text;
    return state;
  }

  /**
   * Writes the state unless the file already contains it. Calls run one after another, and each
   * call reads the state only when its turn comes.
   *
   * @throws UserError if the file cannot be written; the file is then unchanged
   */
  save(state: () => SavedState): Promise<void> {
    return this.#writes.run(() => this.#write(formatState(state())));
  }

  async #write(text: string): Promise<void> {
    if (text === this.#written) return;
    if (Buffer.byteLength(text) > MAX_STATE_LENGTH) {
      throw this.#refuse(
        'write',
        new Error(`the file must not be longer than ${MAX_STATE_LENGTH} bytes`),
      );
    }
    try {
      await this.#files.replaceText(this.#path, text);
    } catch (error) {
      throw this.#refuse('write', error);
    }
    this.#written = text;
  }

  #parse(text: string): SavedState {
    const { success, data, error } = stateFile.safeParse(parseJson(text));
    if (success) {
      const { arcServer, run, users, groups, sims } = data;
      const arcServerPrivateKey = new Secret(arcServer.privateKey);
      return { arcServerPrivateKey, platform: { run, users, groups, sims } };
    }
    const [issue] = error.issues;
    const where = issue?.path.map(String).join('.') ?? '';
    throw new UserError('configuration', {
      what: `cannot use the state file ${this.#path}`,
      why:
        where === ''
          ? 'the file must be JSON that an emulator has saved'
          : `${where}: ${issue?.message ?? ''}`,
      next: [
        'The file is unchanged.',
        'Choose another file, or move this file elsewhere to start over.',
      ],
    });
  }

  #refuse(verb: 'read' | 'write', error: unknown): UserError {
    return new UserError(fileFaultKind(error), {
      what: `cannot ${verb} the state file ${this.#path}`,
      why: (error as Error).message,
      next: ['Choose a file in a writable folder with --state.'],
      cause: error,
    });
  }
}

function areDistinct(sims: readonly Sim[]): boolean {
  const arcs = sims.flatMap(({ arc }) => arc ?? []);
  return [
    sims.map(({ simId }) => simId),
    arcs.map(({ address }) => formatIpAddress(address)),
    arcs.map(({ publicKey }) => publicKey.join()),
  ].every((values) => new Set(values).size === values.length);
}

/** Members have a fixed order, so that the same state always gives the same text. */
function formatState({ arcServerPrivateKey, platform }: SavedState): string {
  const arcServer = { privateKey: arcServerPrivateKey.expose() };
  const state = z.encode(stateFile, { version: 1, arcServer, ...platform });
  return `${JSON.stringify(state, undefined, 1)}\n`;
}
