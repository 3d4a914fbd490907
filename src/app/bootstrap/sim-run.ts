/**
 * How `bootstrap authkey` comes to an arc.json, as one machine of steps.
 *
 * A SIM costs money and its private key is told once. So the journal says that createSim is about to
 * be called before it is, once; its answer is in the journal before anything else; and a key that is
 * made here is in the journal before the platform hears of it. A run that finds the journal of a run
 * that was killed starts at the step that the journal's lines name.
 */
import type { SimRun } from './bootstrap-run.js';
import { creationSteps } from './creation-steps.js';
import { resumeSteps } from './resume-steps.js';
import type { JournalLine } from './sim-journal.js';

/** All steps: what the journal speaks of last before and after each, and which steps may follow. */
// prettier-ignore
export const STEPS = {
  // There is an arc.json: a new session for its SIM.
  'refresh-session':  row(['none', 'create-sim'],            ['none'],                  ['done']),
  // arc.json does not exist. Asks for confirmation in the wizard.
  'confirm-creation': row(['none', 'create-sim'],            ['none', 'create-sim'],    ['announce-sim']),
  // Begins a journal, in place of that of an earlier run; the group must exist, and no arc.json may have appeared.
  'announce-sim':     row(['none', 'create-sim'],            ['create-sim'],            ['create-sim']),
  // Calls createSim, once. The answer goes into the journal; into arc.json, if that takes no line.
  'create-sim':       row(['create-sim'],                    ['created', 'create-sim'], ['write-arc-json', 'announce-own-key', 'add-session']),
  // Writes the arc.json that the journal has.
  'write-arc-json':   row(['created'],                       ['created'],               ['announce-own-key', 'add-session']),
  // arc.json has the key. Makes a session if createSim gave none.
  'add-session':      row(['created', 'create-sim'],         ['none'],                  ['done']),
  // arc.json has the key, and --own-key wants another.
  'announce-own-key': row(['created', 'create-sim'],         ['renew-key'],             ['renew-key']),
  // A SIM without a key, by --adopt or of an earlier run, gets one.
  'adopt-sim':        row(['none', 'create-sim', 'created'], ['renew-key'],             ['renew-key']),
  // Tells the platform of the journal's key, writes arc.json, makes a session, writes arc.json.
  'renew-key':        row(['renew-key'],                     ['none'],                  ['done']),
  // An earlier run was killed when it had asked for a SIM.
  'look-for-sim':     row(['create-sim'],                    ['create-sim'],            ['adopt-sim', 'confirm-creation', 'announce-sim']),
  // It was killed when it had the answer.
  'finish-creation':  row(['created'],                       ['created', 'none'],       ['adopt-sim', 'announce-own-key', 'refresh-session']),
  // It was killed when it had a new key: as `renew-key`, with the same key.
  'finish-renewal':   row(['renew-key'],                     ['none', 'create-sim'],    ['done', 'look-for-sim']),
};

export type StepName = keyof typeof STEPS;

/** What the steps do; each says which one follows. */
const DOES: {
  readonly [Name in StepName]: (run: SimRun) => Promise<(typeof STEPS)[Name]['next'][number]>;
} = { ...creationSteps, ...resumeSteps };

/** By the newest line of an earlier run's journal. */
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

/** Makes one step after the other, until the SIM has its arc.json and the journal is gone. */
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

/** No step is made without the line that protects what it does. */
function requireLine(lines: readonly JournalLine[], name: string, { journal }: SimRun): void {
  if (lines.includes(journal.line)) return;
  throw new RangeError(`the journal speaks of ${journal.line} at the step ${name}`);
}

function row<const Next extends string>(
  before: readonly JournalLine[],
  after: readonly JournalLine[],
  next: readonly Next[],
) {
  return { before, after, next };
}
