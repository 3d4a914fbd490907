import { askForWord } from './wizard.js';

const WORD = 'yes';

/**
 * Whether the person lets a running tunnel lose its key. Rejects with the signal's reason when that fires.
 *
 * @param holder says which process uses the SIM
 */
export async function confirmRenewal(
  holder: string,
  signal: AbortSignal,
  ask: typeof askForWord = askForWord,
): Promise<boolean> {
  const question = `${holder}: a new key ends its tunnel until it restarts. Type ${WORD} to renew the key:`;
  return (await ask(question, signal)).trim() === WORD;
}
