/** Asks the user before anything is billed. */
import { createInterface } from 'node:readline/promises';

/**
 * @param {string} question
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>} whether the user typed yes
 */
export async function confirm(question, signal) {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // In the raw mode of a terminal, Ctrl-C does not send a signal.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    return (
      (await terminal.question(`${question} Type yes to continue: `, { signal })).trim() === 'yes'
    );
  } catch {
    return false;
  } finally {
    terminal.close();
  }
}
