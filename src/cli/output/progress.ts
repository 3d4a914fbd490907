import { ux } from '@oclif/core/ux';

/** Shows the current step on standard error if standard error is a terminal. */
export interface Progress {
  step(name: string): void;
  /** Ends the progress line, so that something else can be written. */
  end(outcome?: 'done' | 'failed'): void;
}

/** @param visible whether standard error is a terminal and nothing else is written to it */
export function createProgress(visible: boolean): Progress {
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
