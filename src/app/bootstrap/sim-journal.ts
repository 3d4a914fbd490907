/**
 * The steps of a run that creates a virtual SIM or gives it another key, as its journal tells them
 * to the next run. A step is on the disk before what it announces happens, or as soon as what it
 * reports has happened.
 */
import * as z from 'zod';
import { FileError } from '../../ports/files.js';
import type { Journal, Journals } from '../../ports/journals.js';
import { fileFaultKind } from '../../lib/file-fault.js';
import { UserError } from '../../lib/user-error.js';
import { parseJson } from '../../lib/parse-json.js';

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

/** How far an earlier run came: the newest step of each kind. */
export interface Progress {
  readonly createSim?: CreateSimStep;
  readonly created?: CreatedStep;
  readonly renewKey?: RenewKeyStep;
}

/** A run that did not come to its end, and the journal to go on with. */
export interface InterruptedRun {
  readonly journal: Journal;
  readonly progress: Progress;
}

/** @throws UserError of kind `permission` or `failed` */
export function endJournal(journal: Journal): Promise<void> {
  return explained(() => journal.remove(), {
    what: 'all is done, but the journal of this run could not be removed',
    next: [`Delete ${journal.path}: as long as it stands, every run goes through it again.`],
  });
}

/** @throws UserError of kind `permission` or `failed` */
export function addStep(journal: Journal, entry: JournalStep): Promise<void> {
  return explained(() => journal.append(JSON.stringify(entry)));
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

/** @throws UserError when there is a journal already: another run is faster than this one */
export async function startJournal(
  journals: Journals,
  path: string,
  entry: JournalStep,
): Promise<Journal> {
  const journal = await explained(() => journals.create(path, JSON.stringify(entry)));
  if (journal !== undefined) return journal;
  throw new UserError('failed', {
    what: 'nothing was created or changed',
    why: `another run has begun to make ${path} meanwhile`,
    next: ['Wait until it ends, then run the same command again.'],
  });
}

/**
 * What an earlier run has left; undefined when it left nothing, or nothing had happened yet.
 * @throws UserError when that run is still at work, or its journal cannot be understood
 */
export async function findInterruptedRun(
  journals: Journals,
  path: string,
): Promise<InterruptedRun | undefined> {
  const opened = await explained(() => journals.open(path));
  if (opened === undefined) return undefined;
  const { journal, lines, runningProcess } = opened;
  if (runningProcess !== undefined) {
    throw new UserError('failed', {
      what: 'nothing was created or changed',
      why: `process ${runningProcess} is at work on ${path} (${journal.path})`,
      next: ['Wait until it ends, then run the same command again.'],
    });
  }
  // It is made with its first line as one step, so that without one it is no work of ours.
  if (lines.length === 0) throw unreadable(journal.path);
  const progress = readProgress(lines, journal.path);
  if (Object.keys(progress).length > 0) return { journal, progress };
  // Its one key was refused: nothing is left to do.
  await endJournal(journal);
  return undefined;
}

/** @throws UserError when there is a line that this version does not know */
function readProgress(lines: readonly string[], path: string): Progress {
  const progress: { createSim?: CreateSimStep; created?: CreatedStep; renewKey?: RenewKeyStep } =
    {};
  for (const line of lines) {
    const { data } = step.safeParse(parseJson(line));
    switch (data?.step) {
      case 'create-sim':
        progress.createSim = data;
        break;
      case 'created':
        progress.created = data;
        break;
      case 'renew-key':
        progress.renewKey = data;
        break;
      case 'renewal-refused':
        delete progress.renewKey;
        break;
      case undefined:
        throw unreadable(path);
    }
  }
  return progress;
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
