/**
 * Runs `bootstrap authkey` as a state machine.
 *
 * A SIM costs money, and SORACOM shows its private key only once. So the run writes a journal entry
 * before it calls createSim, calls createSim only once, and saves the response in the journal
 * first. A locally generated key is in the journal before SORACOM receives its public key. If a run
 * finds the journal of a killed run, it resumes at the step that the newest journal entry
 * determines.
 */
import type { SimRun } from './bootstrap-run.js';
import { creationSteps } from './creation-steps.js';
import { resumeSteps } from './resume-steps.js';
import type { JournalLine } from './sim-journal.js';

/**
 * All steps, with the journal states allowed before and after each, and the possible next steps.
 */
// prettier-ignore
export const STEPS = {
  // arc.json exists: creates a new session for its SIM.
  'refresh-session':  row(['none', 'create-sim'],            ['none'],                  ['done']),
  // arc.json does not exist. The wizard asks for confirmation.
  'confirm-creation': row(['none', 'create-sim'],            ['none', 'create-sim'],    ['announce-sim']),
  // Starts a new journal. Fails if an arc.json has meanwhile appeared.
  'announce-sim':     row(['none', 'create-sim'],            ['create-sim'],            ['create-sim']),
  // Calls createSim once and saves the response in the journal or, if that fails, in arc.json.
  'create-sim':       row(['create-sim'],                    ['created', 'create-sim'], ['write-arc-json', 'announce-own-key', 'add-session']),
  // Copies arc.json from the journal to its path.
  'write-arc-json':   row(['created'],                       ['created'],               ['announce-own-key', 'add-session']),
  // arc.json contains the key. Creates a session if createSim did not return one.
  'add-session':      row(['created', 'create-sim'],         ['none'],                  ['done']),
  // arc.json has the key, and --own-key requires a locally generated one.
  'announce-own-key': row(['created', 'create-sim'],         ['renew-key'],             ['renew-key']),
  // Prepares a key for a SIM without one: the SIM given by --adopt or created by an earlier run.
  'adopt-sim':        row(['none', 'create-sim', 'created'], ['renew-key'],             ['renew-key']),
  // Sends the journal's public key to SORACOM, then writes arc.json with the key and a session.
  'renew-key':        row(['renew-key'],                     ['none'],                  ['done']),
  // An earlier run was killed after it announced createSim.
  'look-for-sim':     row(['create-sim'],                    ['create-sim'],            ['adopt-sim', 'confirm-creation', 'announce-sim']),
  // An earlier run was killed after createSim returned.
  'finish-creation':  row(['created'],                       ['created', 'none'],       ['adopt-sim', 'announce-own-key', 'refresh-session']),
  // An earlier run was killed after it announced a new key: repeats `renew-key` with the same key.
  'finish-renewal':   row(['renew-key'],                     ['none', 'create-sim'],    ['done', 'look-for-sim']),
};

export type StepName = keyof typeof STEPS;

const DOES: {
  readonly [Name in StepName]: (run: SimRun) => Promise<(typeof STEPS)[Name]['next'][number]>;
} = { ...creationSteps, ...resumeSteps };

/** Chooses the first step from the newest entry in an earlier run's journal. */
function firstStep({ journal, existing, options }: SimRun): StepName {
  switch (journal.line) {
    case 'renew-key':
      return 'finish-renewal';
    case 'created':
      return 'finish-creation';
    case 'create-sim':
      return existing ? 'refresh-session' : 'look-for-sim';
    case 'none':
      if (existing) return 'refresh-session';
      return options.adopt === undefined ? 'confirm-creation' : 'adopt-sim';
  }
}

/** Runs the steps until arc.json is written and the journal is removed. */
export async function runSteps(run: SimRun): Promise<void> {
  let name: StepName | 'done' = firstStep(run);
  while (name !== 'done') {
    const { before, after } = STEPS[name];
    requireLine(before, name, run);
    const next: StepName | 'done' = await DOES[name](run);
    requireLine(after, name, run);
    name = next;
  }
}

/** Throws if the journal does not contain the entry that must precede the step's action. */
function requireLine(lines: readonly JournalLine[], name: string, { journal }: SimRun): void {
  if (lines.includes(journal.line)) return;
  throw new RangeError(`unexpected journal entry ${journal.line} at step ${name}`);
}

function row<const Next extends string>(
  before: readonly JournalLine[],
  after: readonly JournalLine[],
  next: readonly Next[],
) {
  return { before, after, next };
}
