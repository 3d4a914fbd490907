/**
 * Records a sandbox's history: the output lines of its processes, and its lifecycle steps in order.
 */

/** A step in the sandbox's life cycle. */
export type StepName =
  | 'extension started'
  | 'extension registered'
  | 'extension next'
  | 'extension init error'
  | 'extension exit error'
  | 'runtime started'
  | 'runtime next'
  | 'runtime init error'
  | 'runtime response'
  | 'init done'
  | 'init failed'
  | 'invoke'
  | 'invoke event'
  | 'invoke done'
  | 'invoke failed'
  | 'frozen'
  | 'thawed'
  | 'clock jumped'
  | 'shutdown'
  | 'shutdown event'
  | 'terminated'
  | 'killed'
  | 'exited'
  | 'shutdown done';

export interface Step {
  /** Milliseconds since the sandbox was started, on the monotonic clock. */
  readonly at: number;
  readonly step: StepName;
  /** The extension's name, or `runtime`. */
  readonly name?: string;
  readonly detail?: string;
}

export interface LogLine {
  readonly at: number;
  readonly name: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** The maximum number of kept lines; older ones are dropped, to bound memory use. */
const MAX_LINES = 10_000;

/** Waits for conditions: after each change all waiters recheck theirs. */
class Changes {
  readonly #waiting = new Set<() => void>();

  changed(): void {
    for (const look of [...this.#waiting]) look();
  }

  /**
   * Resolves with true once `condition` holds, or with false after `limit` ms.
   *
   * @throws what `condition` throws
   */
  until(condition: () => boolean, limit: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle();
      };
      const look = (): void => {
        try {
          if (condition()) end(() => resolve(true));
        } catch (error) {
          end(() => reject(error instanceof Error ? error : new Error(String(error))));
        }
      };
      const timer = setTimeout(() => end(() => resolve(false)), Math.max(0, limit));
      this.#waiting.add(look);
      look();
    });
  }
}

export class Journal {
  readonly steps: Step[] = [];
  readonly lines: LogLine[] = [];
  readonly changes = new Changes();
  readonly #startedAt = performance.now();

  get now(): number {
    return performance.now() - this.#startedAt;
  }

  record(step: StepName, name?: string, detail?: string): void {
    this.steps.push({
      at: this.now,
      step,
      ...(name === undefined ? {} : { name }),
      ...(detail === undefined ? {} : { detail }),
    });
    this.changes.changed();
  }

  write(name: string, stream: LogLine['stream'], text: string): void {
    if (this.lines.length >= MAX_LINES) this.lines.shift();
    this.lines.push({ at: this.now, name, stream, text });
    this.changes.changed();
  }
}
