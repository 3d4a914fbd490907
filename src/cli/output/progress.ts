import { ux } from '@oclif/core/ux';

import type { SystemContext } from '../system-context.js';

/** Shows the current step on standard error if standard error is a terminal. */
export interface Progress {
  step(name: string): void;
  /** Ends the progress line, so that something else can be written. */
  end(outcome?: 'done' | 'failed'): void;
}

/** Shows nothing if `--quiet` is given, or if SORACOM_VERBOSE writes to standard error. */
export function createProgress(
  context: Pick<SystemContext, 'stderrIsTerminal' | 'isVerbose'>,
  { quiet }: { readonly quiet: boolean },
): Progress {
  const visible = context.stderrIsTerminal() && !context.isVerbose && !quiet;
  if (!visible) return { step: () => undefined, end: () => undefined };
  let running = false;
  const end = (outcome: 'done' | 'failed' = 'done') => {
    if (running) ux.action.stop(outcome);
    running = false;
  };
  return {
    step: (name) => {
      end();
      ux.action.start(name);
      running = true;
    },
    end,
  };
}
