/** Asks a person at a terminal for what is missing. Drawn on standard error: results go to the other. */
import type { CredentialPart } from '../../app/credentials/missing-credentials.js';
import type { LostSim, SimChoice } from '../../app/bootstrap/bootstrap-run.js';
import { isoTime } from '../../app/iso-time.js';
import { harmless } from '../../lib/text/harmless-text.js';

/** Texts as a user typed them; absent where nothing was asked. */
export type WizardAnswers = Partial<Record<CredentialPart, string>>;

type Question =
  | {
      readonly type: 'select';
      readonly message: string;
      readonly choices: readonly { readonly name: string; readonly value: unknown }[];
    }
  | {
      readonly type: 'password';
      readonly message: string;
      readonly mask: string;
      readonly toggleMask: boolean;
      readonly validate: (text: string) => true | string;
    }
  | { readonly type: 'input'; readonly message: string }
  | { readonly type: 'confirm'; readonly message: string; readonly default: boolean };

/** @throws the signal's reason when it fires before the answer is there */
async function ask<Answer>(question: Question, signal: AbortSignal | undefined): Promise<Answer> {
  const { default: inquirer } = await import('inquirer');
  const prompt = inquirer.createPromptModule({
    output: process.stderr,
    ...(signal && { signal }),
  });
  try {
    const { answer } = await prompt<{ answer: unknown }>([{ name: 'answer', ...question }]);
    return answer as Answer;
  } catch (error) {
    // The question's own error says only that it was broken off.
    signal?.throwIfAborted();
    throw error;
  }
}

/**
 * soratun's prompts, those of them that are needed.
 * @throws the signal's reason when it fires before the last answer is there
 */
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
  message: 'Coverage to create a new virtual SIM',
  choices: [
    { name: 'Global coverage (g.api.soracom.io)', value: 'g' },
    { name: 'Japan coverage (api.soracom.io)', value: 'jp' },
  ],
};

/**
 * Which of the SIMs that may be the lost one is to be used.
 * @throws the signal's reason when it fires before the answer is there
 */
export function askForSim(
  sims: readonly LostSim[],
  since: number,
  signal: AbortSignal,
): Promise<SimChoice> {
  const choices: { name: string; value: SimChoice }[] = [
    // First, so that Enter alone takes no device's key away.
    { name: 'Change nothing', value: 'nothing' },
    ...sims.map(({ simId, name, createdTime, isEarlier }) => ({
      name: `Use SIM ${simId}${name === '' ? '' : ` (${harmless(name)})`}, created at ${isoTime(createdTime)}${isEarlier ? ', before that request' : ''}: it gets a new key, and a device that uses it loses its connection`,
      value: { simId },
    })),
    { name: 'Create another SIM, which is billed, too', value: 'create-another' },
  ];
  const message = `An earlier run asked for a virtual SIM at ${isoTime(since)} and never heard the answer. ${sims.length === 0 ? 'None is listed yet' : 'These may be it'}`;
  return ask({ type: 'select', message, choices }, signal);
}

/**
 * Whether a virtual SIM is to be created.
 * @throws the signal's reason when it fires before the answer is there
 */
export function askForCreation(
  summary: readonly (readonly [name: string, value: string])[],
  signal: AbortSignal,
): Promise<boolean> {
  const width = Math.max(...summary.map(([name]) => name.length));
  const lines = summary.map(([name, value]) => `  ${name.padEnd(width)}  ${harmless(value)}\n`);
  process.stderr.write(`A virtual SIM will be created:\n${lines.join('')}`);
  const message = 'Create it? It is billed until you terminate it';
  return ask({ type: 'confirm', message, default: false }, signal);
}

/**
 * A word that has to be typed as it is.
 * @throws the signal's reason when it fires before the answer is there
 */
export function askForWord(message: string, signal: AbortSignal): Promise<string> {
  return ask({ type: 'input', message }, signal);
}

/** Whether an error says that the person broke off a question. */
export function isAbandonedQuestion(error: unknown): boolean {
  return error instanceof Error && error.name === 'ExitPromptError';
}
