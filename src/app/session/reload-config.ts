/** Rereads arc.json while its tunnel is open. */
import { messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { Log } from '../../ports/log.js';
import { refuseHooksOfOthers } from '../config/config-file-rights.js';
import type { RunningConfig } from './running-config.js';

/** Applies a valid configuration to the tunnel and logs which changes need a restart. */
export async function reloadConfig(running: RunningConfig, log: Log): Promise<void> {
  if (!running.canReread) {
    log.warn({}, 'cannot reload the configuration: it was read from standard input');
    return;
  }
  await running.inTurn(async () => {
    const { source } = running.arcConfig;
    try {
      const read = await running.reread();
      refuseHooksOfOthers(read);
      const changed = await running.apply(read);
      const fixed = running.fixedDifferences(read);
      if (fixed.length > 0) {
        log.warn(
          { members: fixed },
          `some changes in ${source} take effect only after a restart: ${fixed.join(', ')}`,
        );
      }
      if (changed.length === 0) log.info({}, `reloaded ${source}: no changes`);
      else log.info({ changed }, `reloaded ${source}; applied the changes: ${changed.join(', ')}`);
    } catch (error) {
      // If an interface rejects the change, the operating system's error does not contain advice,
      // so only log it.
      if (!(error instanceof Error)) throw error;
      const next = error instanceof UserError ? error.next : [];
      const text = `cannot reload the configuration: ${messageOf(error)}. The tunnel is unchanged.`;
      log.error({}, [text, ...next].join(' '));
    }
  });
}
