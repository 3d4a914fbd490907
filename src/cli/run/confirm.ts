import type { SimSummary } from '../../app/sim/sim-summary.js';
import { harmless } from '../../lib/text/harmless-text.js';
import { askForWord } from './wizard.js';

const RENEWAL_WORD = 'yes';

/**
 * Returns the word that the user must type to confirm: the SIM's name, or the SIM ID if the name is
 * empty or cannot be typed as shown.
 */
export function wordOfSim({ simId, name }: Pick<SimSummary, 'simId' | 'name'>): string {
  const typed = name.trim();
  return typed === '' || harmless(typed) !== typed ? simId : typed;
}

/**
 * Asks the user to type the confirmation word. Rejects with the abort reason if the signal aborts.
 */
export async function confirmTermination(
  sim: Pick<SimSummary, 'simId' | 'name'>,
  signal: AbortSignal,
  ask: typeof askForWord = askForWord,
): Promise<boolean> {
  const word = wordOfSim(sim);
  const kind = word === sim.simId ? 'ID' : 'name';
  const answer = await ask(
    `Termination is final. Type the SIM's ${kind} (${word}) to confirm:`,
    signal,
  );
  return answer.trim() === word;
}

/** Asks the user to type the number of SIMs. Rejects with the abort reason if the signal aborts. */
export function confirmSweep(
  count: number,
  signal: AbortSignal,
  ask: typeof askForWord = askForWord,
): Promise<boolean> {
  return confirmCount('Termination is final. Type the number of SIMs', count, signal, ask);
}

/**
 * Asks the user to type a number. Rejects with the abort reason if the signal aborts.
 *
 * @param question what to type, without the number
 */
export async function confirmCount(
  question: string,
  count: number,
  signal: AbortSignal,
  ask: typeof askForWord = askForWord,
): Promise<boolean> {
  return (await ask(`${question} (${count}) to confirm:`, signal)).trim() === String(count);
}

/**
 * Asks whether to renew the key although a running tunnel is using it. Rejects with the abort
 * reason if the signal aborts.
 *
 * @param holder names the process that is using the SIM
 */
export async function confirmRenewal(
  holder: string,
  signal: AbortSignal,
  ask: typeof askForWord = askForWord,
): Promise<boolean> {
  const question = `${holder}. With a new key, its tunnel will stop working until you restart that process. Type ${RENEWAL_WORD} to renew the key:`;
  return (await ask(question, signal)).trim() === RENEWAL_WORD;
}
