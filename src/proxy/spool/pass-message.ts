/** Sends a new message immediately, and keeps it in the spool if nothing of it was sent. */
import type { SendOutcome } from './send-request.js';
import { type Spool, SpoolFullError } from './spool.js';
import type { SpoolEntry } from './spool-entry.js';

/**
 * - `answered`: the target has responded; the spool does not contain the message
 * - `futile`: nothing was sent, and waiting does not help; the spool does not contain the message
 * - `kept`: nothing was sent; the message is queued
 * - `lost`: the message may have arrived; it is kept as `unknown`, if the spool has room
 */
export type PassResult =
  | { readonly state: 'answered' | 'futile' }
  | { readonly state: 'kept'; readonly entry: SpoolEntry; readonly why: string }
  | { readonly state: 'lost'; readonly entry: SpoolEntry | undefined; readonly why: string };

/**
 * The caller reports the target's response to the user, whatever its status.
 *
 * @throws SpoolFullError, FileError; the message was not kept
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
    await spool.finish(entry);
    return { state: isFutile ? 'futile' : 'answered' };
  }
  const why = outcome.message;
  if (outcome.kind === 'unsent') {
    return { state: 'kept', entry: await spool.keepPassing(entry), why };
  }
  const unknown = await spool.setAside(entry, 'unknown', 'lost').catch((error: unknown) => {
    if (!(error instanceof SpoolFullError)) throw error;
    return undefined;
  });
  return { state: 'lost', entry: unknown, why };
}
