/** The outputs of a command: results and messages for the user. */
import { redactText } from '../../lib/secrets/secret-shapes.js';
import { renderText } from './render.js';

export interface Output {
  /** Writes a result to standard output unchanged. */
  write(text: string | Uint8Array): void;
  /** Writes a message for the user to standard error. */
  note(line: string): void;
}

export const standardOutput: Output = {
  write: (text) => void process.stdout.write(text),
  note: (line) => void process.stderr.write(renderText(redactText(`${line}\n`))),
};
