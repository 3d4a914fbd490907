/** What oclif prints of an error: it quotes what was typed, and a key may be where a name belongs. */
import { redactText } from '../../lib/secrets/secret-shapes.js';
import { renderText } from '../output/render.js';

/** The error with its message fit to be shown; the stack, which repeats it, goes with it. */
export function shownError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const message = renderText(redactText(error.message));
  error.stack = error.stack?.replace(error.message, () => message) ?? '';
  error.message = message;
  return error;
}
