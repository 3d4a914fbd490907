/** Asks a person at a terminal for what is missing. Drawn on standard error: results go to the other. */
import type { CredentialPart } from '../app/credentials/missing-credentials.js';
import type { SimChoice } from '../app/bootstrap-run.js';
import type { LostSim } from '../app/find-lost-sim.js';
import { harmless } from './shown-text.js';

/** Texts as a user typed them; absent where nothing was asked. */
export type WizardAnswers = Partial<Record<CredentialPart, string>>;

async function promptModule() {
  const { default: inquirer } = await import('inquirer');
  return inquirer.createPromptModule({ output: process.stderr });
}

/** soratun's prompts, those of them that are needed. */
export async function askCredentials(missing: readonly CredentialPart[]): Promise<WizardAnswers> {
  const prompt = await promptModule();
  const answers: WizardAnswers = {};
  for (const part of missing) {
    const question =
      part === 'coverage-type'
        ? { type: 'select' as const, ...COVERAGE }
        : { type: 'password' as const, mask: '*', toggleMask: false, ...KEYS[part] };
    const { answer } = await prompt<{ answer: string }>([{ name: 'answer', ...question }]);
    answers[part] = answer;
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

/** Which of the SIMs that may be the lost one is to be used. */
export async function askForSim(sims: readonly LostSim[], since: number): Promise<SimChoice> {
  const prompt = await promptModule();
  const asked = new Date(since).toLocaleString();
  const choices: { name: string; value: SimChoice }[] = [
    ...sims.map(({ simId, name, createdTime }) => ({
      name: `Use SIM ${simId}${name === '' ? '' : ` (${harmless(name)})`}, created ${new Date(createdTime).toLocaleString()}: it gets a new key`,
      value: { simId },
    })),
    { name: 'Change nothing', value: 'nothing' },
    { name: 'Create another SIM, which is billed, too', value: 'create-another' },
  ];
  const { answer } = await prompt<{ answer: SimChoice }>([
    {
      name: 'answer',
      type: 'select',
      message: `An earlier run asked for a virtual SIM at ${asked} and never heard the answer. ${sims.length === 0 ? 'None is listed yet' : 'These were created since'}`,
      choices,
    },
  ]);
  return answer;
}

/** A word that has to be typed as it is. */
export async function askForWord(message: string): Promise<string> {
  const prompt = await promptModule();
  const { answer } = await prompt<{ answer: string }>([{ name: 'answer', type: 'input', message }]);
  return answer;
}

/** Whether an error says that the person broke off a question. */
export function isAbandonedQuestion(error: unknown): boolean {
  return error instanceof Error && error.name === 'ExitPromptError';
}
