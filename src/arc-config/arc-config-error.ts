import { UserError } from '../lib/errors/user-error.js';

/** One thing that is wrong in a file. `found` never holds the value of a secret. */
export interface ArcConfigFault {
  /** From 1; 0 where the fault is that something is missing. */
  readonly line: number;
  /** `arcSessionStatus.arcAllowedIPs[3]`; empty for the text as a whole. */
  readonly keyPath: string;
  readonly found: string;
  readonly expected: string;
}

const CHECK_AGAIN = 'Correct the file; `arctun config validate` checks it without using it.';

/** A configuration that cannot be used; it names every fault of the file, not only the first. */
export class ArcConfigError extends UserError {
  override readonly name = 'ArcConfigError';
  readonly file: string;
  readonly faults: readonly ArcConfigFault[];

  constructor(
    file: string,
    faults: readonly ArcConfigFault[],
    options: ErrorOptions & { next?: readonly string[] } = {},
  ) {
    const { next = [CHECK_AGAIN], ...rest } = options;
    const lines = faults.map(formatFault);
    super(
      'configuration',
      {
        what: `cannot use ${file}`,
        why:
          lines.length === 1 ? lines.join('') : [`${lines.length} errors`, ...lines].join('\n  '),
        next,
      },
      rest,
    );
    this.file = file;
    this.faults = faults;
  }
}

function formatFault({ line, keyPath, found, expected }: ArcConfigFault): string {
  const place = [line > 0 ? `line ${line}` : '', keyPath].filter((part) => part !== '').join(', ');
  return `${place === '' ? '' : `${place}: `}found ${found}, expected ${expected}`;
}
