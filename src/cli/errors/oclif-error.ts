/** Redacts oclif's errors. They quote the user's input, which may be a key instead of a name. */
import { redactText } from '../../lib/secrets/secret-shapes.js';
import { renderText } from '../output/render.js';

/** Redacts an error's message, and its stack, which repeats the message. */
export function shownError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const message = renderText(redactText(error.message));
  error.stack = error.stack?.replace(error.message, () => message) ?? '';
  error.message = message;
  return error;
}
