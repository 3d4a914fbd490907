/** Where the results of a command go, and what is said to people beside them. */
import { redactText } from '../../lib/secrets/secret-shapes.js';
import { renderText } from './render.js';

export interface Output {
  /** Writes a result to standard output as it is. */
  write(text: string | Uint8Array): void;
  /** Writes a line for people to standard error. */
  note(line: string): void;
}

export const standardOutput: Output = {
  write: (text) => void process.stdout.write(text),
  note: (line) => void process.stderr.write(renderText(redactText(`${line}\n`))),
};
