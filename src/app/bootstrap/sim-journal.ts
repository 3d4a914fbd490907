/**
 * The steps of a run that creates a virtual SIM or gives it another key, as its journal tells them
 * to the next run. A step is on the disk before what it announces happens, or as soon as what it
 * reports has happened.
 */
import * as z from 'zod';
import type { ArcConfig } from '../../arc-config/arc-config.js';
import { parseArcConfig } from '../../arc-config/parse-arc-config.js';
import { FileError } from '../../ports/files.js';
import type { Journal, Journals } from '../../ports/journals.js';
import { fileFaultKind } from '../../lib/errors/file-fault.js';
import { UserError } from '../../lib/errors/user-error.js';
import { parseJson } from '../../lib/text/parse-json.js';

/** createSim is about to be called: from here on a SIM may exist. */
const createSimStep = z.object({
  step: z.literal('create-sim'),
  /** Before the call, in Unix milliseconds. */
  since: z.number().int().min(0).max(8.64e15),
  /** Whose clock that is; this machine's may be wrong. */
  clock: z.enum(['platform', 'local']),
  /** The API and the account that were asked: elsewhere nobody knows of the SIM. */
  endpoint: z.string(),
  operatorId: z.string().optional(),
  /** Whether the SIM is to have a key that was made here. */
  ownKey: z.boolean(),
});

/** createSim has answered. */
const createdStep = z.object({
  step: z.literal('created'),
  simId: z.string(),
  /** The arc.json to write, private key in clear; absent when the answer had no key. */
  arcJson: z.string().optional(),
});

/** renewArcSimCredentials is about to be called with this key pair, in base64. */
const renewKeyStep = z.object({
  step: z.literal('renew-key'),
  simId: z.string(),
  privateKey: z.string(),
  publicKey: z.string(),
});

/** The platform has refused that key: the SIM has the one that it had. */
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

/** How far a run came: the newest step of each kind. */
export interface Progress {
  readonly createSim?: CreateSimStep;
  readonly created?: CreatedStep;
  readonly renewKey?: RenewKeyStep;
}

/** What the journal speaks of last; `none` where there is no journal. */
export type JournalLine = 'none' | Exclude<JournalStep['step'], 'renewal-refused'>;

/** The journal beside one arc.json. Its first step makes the file. */
export class SimJournal {
  readonly #journals: Journals;
  /** The arc.json. */
  readonly #target: string;
  #journal: Journal | undefined;
  #progress: { -readonly [Key in keyof Progress]: Progress[Key] } = {};

  constructor(journals: Journals, target: string) {
    this.#journals = journals;
    this.#target = target;
  }

  /**
   * With what an earlier run left; without a line if that left nothing, or nothing had happened yet.
   * @throws UserError when that run is still at work, or its journal cannot be understood
   */
  static async open(journals: Journals, target: string): Promise<SimJournal> {
    const ofTarget = new SimJournal(journals, target);
    const opened = await explained(() => journals.open(target));
    if (opened === undefined) return ofTarget;
    const { journal, lines, runningProcess } = opened;
    if (runningProcess !== undefined) {
      throw new UserError('failed', {
        what: 'nothing was created or changed',
        why: `process ${runningProcess} is at work on ${target} (${journal.path})`,
        next: ['Wait until it ends, then run the same command again.'],
      });
    }
    // It is made with its first line as one step, so that without one it is no work of ours.
    if (lines.length === 0) throw unreadable(journal.path);
    ofTarget.#journal = journal;
    for (const line of lines) ofTarget.#note(readStep(line, journal.path));
    // Its one key was refused: nothing is left to do.
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

  /** The key that it tells of. */
  get key(): RenewKeyStep {
    if (this.#progress.renewKey) return this.#progress.renewKey;
    throw new RangeError('the journal has no key');
  }

  /** What createSim's answer made of an arc.json; undefined when that had no key, or never came. */
  get createdConfig(): ArcConfig | undefined {
    const text = this.#progress.created?.arcJson;
    return text === undefined ? undefined : parseArcConfig(text, { path: this.path });
  }

  /** Absolute, as messages show it. */
  get path(): string {
    return this.#opened().path;
  }

  /**
   * It is on the disk when this resolves.
   * @throws UserError of kind `permission` or `failed`, also if another run is faster than this one
   */
  async add(entry: JournalStep): Promise<void> {
    const line = JSON.stringify(entry);
    const journal = this.#journal;
    if (journal) await explained(() => journal.append(line));
    else this.#journal = await this.#create(line);
    this.#note(entry);
  }

  /** @throws UserError of kind `permission` or `failed` */
  async end(): Promise<void> {
    const journal = this.#opened();
    await explained(() => journal.remove(), {
      what: 'all is done, but the journal of this run could not be removed',
      next: [`Delete ${journal.path}: as long as it stands, every run goes through it again.`],
    });
    this.#journal = undefined;
    this.#progress = {};
  }

  async #create(line: string): Promise<Journal> {
    const journal = await explained(() => this.#journals.create(this.#target, line));
    if (journal !== undefined) return journal;
    throw new UserError('failed', {
      what: 'nothing was created or changed',
      why: `another run has begun to make ${this.#target} meanwhile`,
      next: ['Wait until it ends, then run the same command again.'],
    });
  }

  #opened(): Journal {
    if (this.#journal) return this.#journal;
    throw new RangeError('there is no journal');
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
  what: 'cannot keep the journal that protects the key of a virtual SIM',
  next: ['Make the folder of arc.json writable, or name another file with --config.'],
};

async function explained<T>(
  action: () => Promise<T>,
  text: { what: string; next: readonly string[] } = KEEPING,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new UserError(
      fileFaultKind(error),
      { ...text, why: `${error.path}: ${error.message}` },
      { cause: error },
    );
  }
}

/** @throws UserError for a line that this version does not know */
function readStep(line: string, path: string): JournalStep {
  const { data } = step.safeParse(parseJson(line));
  if (data === undefined) throw unreadable(path);
  return data;
}

/** It may hold the one copy of a key: it is not taken for an empty one. */
function unreadable(path: string): UserError {
  return new UserError('configuration', {
    what: 'nothing was created or changed',
    why: `an earlier run has left ${path}, and this version cannot read it`,
    next: [
      'Run the version of arctun that wrote it.',
      'Or delete it when its key is of no use: a line of it may be the one copy of a private key.',
    ],
  });
}
