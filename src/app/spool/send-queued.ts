/** Sends the queued messages of a spool through the running `up` or a tunnel of its own. */
import { abortReason } from '../../lib/errors/error-message.js';
import { StoppedError } from '../../lib/errors/stopped-error.js';
import type { AccessOptions } from '../access/access.js';
import { type AccessPorts, openAccess } from '../access/tunnel-access.js';
import { ownSpool, type OwnSpoolPorts, type SpoolSettings } from './open-spool.js';
import { drainThrough } from './send-spooled.js';
import type { DrainResult } from '../../proxy/spool/drain-spool.js';

export interface SendQueuedOptions extends Omit<AccessOptions, 'command'> {
  readonly spool: SpoolSettings;
  /** Milliseconds without progress before a message counts as lost. */
  readonly timeout: number;
}

/**
 * @throws UserError of kind `tunnel` if the tunnel cannot be used; nothing was sent
 * @throws UserError of kind `failed` if another process uses the spool
 * @throws the abort reason of `options.signal` if it ends this before all messages were sent
 */
export async function sendQueued(
  options: SendQueuedOptions,
  ports: AccessPorts & OwnSpoolPorts,
): Promise<DrainResult> {
  const { spool: settings, timeout, signal } = options;
  const owned = await ownSpool(settings, options, ports);
  try {
    const { spool } = owned;
    if (!(await spool.list()).some(({ state }) => state === 'queued')) {
      return { delivered: 0, setAside: [], waitsFor: undefined };
    }
    const access = await openAccess({ ...options, command: 'send' }, ports);
    try {
      const { log } = ports;
      const result = await drainThrough(access.dialer, {
        ...{ spool, path: settings.folder, timeout, signal, log },
      });
      return unlessAborted(result, signal);
    } finally {
      await access.close();
    }
  } finally {
    await owned.close();
  }
}

function unlessAborted(result: DrainResult, signal: AbortSignal | undefined): DrainResult {
  const { delivered, setAside, waitsFor } = result;
  if (waitsFor === undefined || signal?.aborted !== true) return result;
  const reason = abortReason(signal);
  if (!(reason instanceof StoppedError)) throw reason;
  throw new StoppedError(reason.signal, {
    why: `not all messages were sent (delivered: ${delivered}, set aside: ${setAside.length})`,
    next: ['See "arctun spool list" for the messages in the spool.'],
    cause: reason,
  });
}
