/** Sends a new message immediately, and keeps it in the spool if nothing of it was sent. */
import { messageOf } from '../../lib/errors/error-message.js';
import type { SendOutcome } from './send-request.js';
import { type Spool, SpoolFullError } from './spool.js';
import type { SpoolEntry } from './spool-entry.js';

/**
 * - `answered`: the target has responded; the spool does not contain the message
 * - `futile`: nothing was sent, and waiting does not help; the spool does not contain the message
 * - `kept`: nothing was sent; the message is queued
 * - `lost`: the message may have arrived; it is kept as `unknown`, if the spool has room
 *
 * `unsaved` is why the outcome could not be saved; the message then becomes `unknown` later.
 */
export type PassResult =
  | { readonly state: 'answered' | 'futile'; readonly unsaved: string | undefined }
  | { readonly state: 'kept'; readonly entry: SpoolEntry; readonly why: string }
  | {
      readonly state: 'lost';
      readonly entry: SpoolEntry | undefined;
      readonly unsaved: string | undefined;
    };

/**
 * The caller reports the target's response to the user, whatever its status. If the folder fails
 * only after the response, the message must not seem to be unsent.
 *
 * @throws SpoolFullError, FileError; nothing was sent, and the message was not kept
 */
export async function passMessage(
  spool: Spool,
  content: Uint8Array,
  send: () => Promise<SendOutcome>,
): Promise<PassResult> {
  const entry = await spool.pass(content);
  const outcome = await send();
  const isFutile = outcome.kind === 'unsent' && outcome.isFutile === true;
  if (outcome.kind === 'answered' || isFutile) {
    const unsaved = await spool.finish(entry).then(() => undefined, messageOf);
    return { state: isFutile ? 'futile' : 'answered', unsaved };
  }
  if (outcome.kind === 'unsent') {
    return { state: 'kept', entry: await spool.keepPassing(entry), why: outcome.message };
  }
  try {
    const unknown = await spool.setAside(entry, 'unknown', 'lost');
    return { state: 'lost', entry: unknown, unsaved: undefined };
  } catch (error) {
    const unsaved = error instanceof SpoolFullError ? undefined : messageOf(error);
    return { state: 'lost', entry: undefined, unsaved };
  }
}
