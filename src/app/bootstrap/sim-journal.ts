/**
 * The journal of a run that creates a virtual SIM or renews its key. Each entry is saved to disk
 * before the action that it announces, or right after the result that it records is known, so that
 * the next run can resume.
 */
import * as z from 'zod/mini';
import type { ArcConfig } from '../../arc-config/arc-config.js';
import { parseArcConfig } from '../../arc-config/parse-arc-config.js';
import { FileError } from '../../ports/files.js';
import type { Journal, Journals } from '../../ports/stores/journals.js';
import { fileFaultKind } from '../../lib/errors/file-fault.js';
import { UserError } from '../../lib/errors/user-error.js';
import { parseJson } from '../../lib/text/parse-json.js';

/** createSim is about to be called. After this entry, a SIM may exist. */
const createSimStep = z.object({
  step: z.literal('create-sim'),
  /** Unix milliseconds before the call. */
  since: z.int().check(z.minimum(0), z.maximum(8.64e15)),
  /** The clock from which `since` comes; the local clock may be wrong. */
  clock: z.enum(['platform', 'local']),
  /** The API endpoint and account of the request; only this account lists the SIM. */
  endpoint: z.string(),
  operatorId: z.optional(z.string()),
  /** Whether the SIM gets a key that is generated locally. */
  ownKey: z.boolean(),
});

/** createSim has returned. */
const createdStep = z.object({
  step: z.literal('created'),
  simId: z.string(),
  /**
   * The arc.json to write, with the private key in clear text; absent if createSim did not return a
   * key.
   */
  arcJson: z.optional(z.string()),
});

/** renewArcSimCredentials is about to be called with this key pair, in base64. */
const renewKeyStep = z.object({
  step: z.literal('renew-key'),
  simId: z.string(),
  privateKey: z.string(),
  publicKey: z.string(),
});

/** SORACOM refused the new key; the old key stays valid. */
const renewalRefusedStep = z.object({ step: z.literal('renewal-refused'), simId: z.string() });

const step = z.discriminatedUnion('step', [
  createSimStep,
  createdStep,
  renewKeyStep,
  renewalRefusedStep,
]);

export type CreateSimStep = z.infer<typeof createSimStep>;
export type CreatedStep = z.infer<typeof createdStep>;
export type RenewKeyStep = z.infer<typeof renewKeyStep>;
export type JournalStep = z.infer<typeof step>;

/** The progress of a run: the newest entry of each kind. */
export interface Progress {
  readonly createSim?: CreateSimStep;
  readonly created?: CreatedStep;
  readonly renewKey?: RenewKeyStep;
}

/** The kind of the journal's newest relevant entry; `none` if no journal exists. */
export type JournalLine = 'none' | Exclude<JournalStep['step'], 'renewal-refused'>;

/** The journal next to one arc.json. Adding the first entry creates the file. */
export class SimJournal {
  readonly #journals: Journals;
  /** The path of arc.json. */
  readonly #target: string;
  #journal: Journal | undefined;
  #progress: { -readonly [Key in keyof Progress]: Progress[Key] } = {};

  constructor(journals: Journals, target: string) {
    this.#journals = journals;
    this.#target = target;
  }

  /**
   * Opens the journal of an earlier run. The journal is empty if that run finished or did nothing.
   * @throws UserError if that run is still active, or if its journal cannot be parsed
   */
  static async open(journals: Journals, target: string): Promise<SimJournal> {
    const ofTarget = new SimJournal(journals, target);
    const opened = await explained(() => journals.open(target));
    if (opened === undefined) return ofTarget;
    const { journal, lines, runningProcess } = opened;
    if (runningProcess !== undefined) {
      throw new UserError('failed', {
        what: `cannot use ${target}`,
        why: `process ${runningProcess} is already using it (${journal.path})`,
        next: ['Nothing was created or changed.', 'Wait until that process ends, then try again.'],
      });
    }
    // arctun creates the file with its first entry atomically, so arctun cannot have created an
    // empty file.
    if (lines.length === 0) throw unreadable(journal.path);
    ofTarget.#journal = journal;
    for (const line of lines) ofTarget.#note(readStep(line, journal.path));
    // SORACOM refused the only key in the journal, so no run needs to be resumed.
    if (ofTarget.line === 'none') await ofTarget.end();
    return ofTarget;
  }

  get progress(): Progress {
    return this.#progress;
  }

  get line(): JournalLine {
    const { createSim, created, renewKey } = this.#progress;
    return (renewKey ?? created ?? createSim)?.step ?? 'none';
  }

  /** The key pair that the journal records. */
  get key(): RenewKeyStep {
    if (this.#progress.renewKey) return this.#progress.renewKey;
    throw new RangeError('the journal does not contain a key');
  }

  /**
   * The arc.json built from createSim's response; undefined if no response or no key was received.
   */
  get createdConfig(): ArcConfig | undefined {
    const text = this.#progress.created?.arcJson;
    return text === undefined ? undefined : parseArcConfig(text, { path: this.path });
  }

  /** The absolute path of the journal, for messages. */
  get path(): string {
    return this.#opened().path;
  }

  /**
   * Appends an entry. The entry is saved to disk when the promise resolves.
   * @throws UserError of kind `permission` or `failed`, including if another run has created the
   * journal
   */
  async add(entry: JournalStep): Promise<void> {
    const line = JSON.stringify(entry);
    const journal = this.#journal;
    if (journal) await explained(() => journal.append(line));
    else this.#journal = await this.#create(line);
    this.#note(entry);
  }

  /** Removes the journal. @throws UserError of kind `permission` or `failed` */
  async end(): Promise<void> {
    const journal = this.#opened();
    await explained(() => journal.remove(), {
      what: 'the run is complete, but its journal could not be removed',
      next: [
        `Delete ${journal.path}. While this file exists, every run will repeat the same steps.`,
      ],
    });
    this.#journal = undefined;
    this.#progress = {};
  }

  async #create(line: string): Promise<Journal> {
    const journal = await explained(() => this.#journals.create(this.#target, line));
    if (journal !== undefined) return journal;
    throw new UserError('failed', {
      what: `cannot use ${this.#target}`,
      why: 'another run has just started to create this file',
      next: ['Nothing was created or changed.', 'Wait until that run ends, then try again.'],
    });
  }

  #opened(): Journal {
    if (this.#journal) return this.#journal;
    throw new RangeError('no journal is open');
  }

  #note(entry: JournalStep): void {
    switch (entry.step) {
      case 'create-sim':
        this.#progress.createSim = entry;
        break;
      case 'created':
        this.#progress.created = entry;
        break;
      case 'renew-key':
        this.#progress.renewKey = entry;
        break;
      case 'renewal-refused':
        delete this.#progress.renewKey;
    }
  }
}

const KEEPING = {
  what: 'cannot write the journal, which protects the key of the virtual SIM',
  next: ['Make the folder that contains arc.json writable, or choose another file with --config.'],
};

async function explained<T>(
  action: () => Promise<T>,
  text: { what: string; next: readonly string[] } = KEEPING,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new UserError(fileFaultKind(error), {
      ...text,
      why: `${error.path}: ${error.message}`,
      cause: error,
    });
  }
}

/** @throws UserError if this version does not know the entry */
function readStep(line: string, path: string): JournalStep {
  const { data } = step.safeParse(parseJson(line));
  if (data === undefined) throw unreadable(path);
  return data;
}

/** The file may hold the only copy of a key, so an unreadable journal is not treated as empty. */
function unreadable(path: string): UserError {
  return new UserError('configuration', {
    what: 'cannot continue an earlier run',
    why: `this version of arctun cannot read its journal (${path})`,
    next: [
      'Nothing was created or changed.',
      'Run the version of arctun that wrote the journal.',
      'Or delete the journal, if you do not need the private key in it: this may be the only copy of the key.',
    ],
  });
}
