/** Prompts for missing values on standard error, because standard output is for results. */
import type { DistinctQuestion } from 'inquirer';

import type { CredentialPart } from '../../app/credentials/missing-credentials.js';
import type { LostSim, SimChoice } from '../../app/bootstrap/bootstrap-run.js';
import { isoTime } from '../../app/iso-time.js';
import { harmless } from '../../lib/text/harmless-text.js';

/** The user's input; absent for values that were not requested. */
export type WizardAnswers = Partial<Record<CredentialPart, string>>;

/** Omits the name from each kind of question; Omit alone would merge the kinds. */
type Unnamed<Named> = Named extends unknown ? Omit<Named, 'name'> : never;

type Question = Unnamed<DistinctQuestion<{ answer: unknown }>>;

/** @throws the signal's abort reason if the signal aborts before the answer */
async function ask<Answer>(question: Question, signal: AbortSignal | undefined): Promise<Answer> {
  const { default: inquirer } = await import('inquirer');
  const prompt = inquirer.createPromptModule({
    output: process.stderr,
    ...(signal && { signal }),
  });
  const closed = whenClosed();
  try {
    const asked = prompt<{ answer: unknown }>([{ name: 'answer', ...question }]);
    const { answer } = await Promise.race([asked, closed.promise]);
    return answer as Answer;
  } catch (error) {
    // The prompt's own error says only that the prompt was interrupted.
    signal?.throwIfAborted();
    throw error;
  } finally {
    closed.stop();
  }
}

/**
 * Returns a promise that rejects if the input is closed without an answer, for example with Ctrl-D.
 * The prompt itself then waits forever, and the process would end as if it had succeeded.
 */
function whenClosed(): { readonly promise: Promise<never>; stop(): void } {
  let stop = () => undefined as unknown;
  const promise = new Promise<never>((_, reject) => {
    const onPause = () =>
      // The input is also paused after an answer, which arrives first.
      setImmediate(() =>
        reject(Object.assign(new Error('the input was closed'), { name: ABANDONED })),
      );
    process.stdin.once('pause', onPause);
    stop = () => process.stdin.off('pause', onPause);
  });
  // After an answer, the rejection has no other handler.
  promise.catch(() => undefined);
  return { promise, stop };
}

/** The name of inquirer's error if the user interrupts a prompt. */
const ABANDONED = 'ExitPromptError';

/**
 * Shows soratun's prompts for the missing credentials.
 * @throws the signal's abort reason if the signal aborts before the last answer */
export async function askCredentials(
  missing: readonly CredentialPart[],
  signal: AbortSignal,
): Promise<WizardAnswers> {
  const answers: WizardAnswers = {};
  for (const part of missing) {
    const question: Question =
      part === 'coverage-type'
        ? { type: 'select', ...COVERAGE }
        : { type: 'password', mask: '*', toggleMask: false, ...KEYS[part] };
    answers[part] = await ask<string>(question, signal);
  }
  return answers;
}

const KEYS = {
  'auth-key-id': {
    message: 'SORACOM API auth key ID (starts with "keyId-")',
    validate: (text: string) => text.startsWith('keyId-') || 'An auth key ID starts with "keyId-".',
  },
  'auth-key': {
    message: 'SORACOM API auth key (starts with "secret-")',
    validate: (text: string) => text.startsWith('secret-') || 'An auth key starts with "secret-".',
  },
};

const COVERAGE = {
  message: 'Coverage type for the new virtual SIM',
  choices: [
    { name: 'Global coverage (g.api.soracom.io)', value: 'g' },
    { name: 'Japan coverage (api.soracom.io)', value: 'jp' },
  ],
};

/**
 * Asks which SIM to use, if any of several SIMs may be the one that an interrupted run created.
 * @throws the signal's abort reason if the signal aborts before the answer
 */
export function askForSim(
  sims: readonly LostSim[],
  since: number,
  signal: AbortSignal,
): Promise<SimChoice> {
  const choices: { name: string; value: SimChoice }[] = [
    // Listed first, so that just pressing Enter does not replace a device's key.
    { name: 'Cancel without changing anything', value: 'nothing' },
    ...sims.map(({ simId, name, createdTime, isEarlier }) => ({
      name: `Use SIM ${simId}${name === '' ? '' : ` (${harmless(name)})`}, created at ${isoTime(createdTime)}${isEarlier ? ' (before that request)' : ''}. The SIM will get a new key, and a device that is using the SIM will lose its connection`,
      value: { simId },
    })),
    { name: 'Create another SIM, which will also be billed', value: 'create-another' },
  ];
  const message = `An earlier run requested a virtual SIM at ${isoTime(since)} but did not receive a response. ${sims.length === 0 ? 'No SIMs are listed yet' : 'The SIM may be one of these'}`;
  return ask({ type: 'select', message, choices }, signal);
}

/**
 * Asks whether to create a virtual SIM.
 * @throws the signal's abort reason if the signal aborts before the answer
 */
export function askForCreation(
  summary: readonly (readonly [name: string, value: string])[],
  signal: AbortSignal,
): Promise<boolean> {
  const width = Math.max(...summary.map(([name]) => name.length));
  const lines = summary.map(([name, value]) => `  ${name.padEnd(width)}  ${harmless(value)}\n`);
  process.stderr.write(`A virtual SIM will be created:\n${lines.join('')}`);
  const message = 'Create the SIM? It will be billed until you terminate it';
  return ask({ type: 'confirm', message, default: false }, signal);
}

/**
 * Asks the user to type a word.
 * @throws the signal's abort reason if the signal aborts before the answer
 */
export function askForWord(message: string, signal: AbortSignal): Promise<string> {
  return ask({ type: 'input', message }, signal);
}

/** Whether an error means that the user interrupted a prompt. */
export function isAbandonedQuestion(error: unknown): boolean {
  return error instanceof Error && error.name === ABANDONED;
}
