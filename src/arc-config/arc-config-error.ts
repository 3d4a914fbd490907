import { UserError, type UserErrorText } from '../lib/errors/user-error.js';
import { correctionOf, creationOfSession } from '../lib/text/config-name.js';

/** One fault in a file. `found` never contains the value of a secret. */
export interface ArcConfigFault {
  /** Line number, starting at 1; 0 if something is missing from the file. */
  readonly line: number;
  /**
   * The key path, such as `arcSessionStatus.arcAllowedIPs[3]`; empty if the fault concerns the
   * whole file.
   */
  readonly keyPath: string;
  readonly found: string;
  readonly expected: string;
}

/** The error for an unusable configuration. It lists every fault, not only the first. */
export class ArcConfigError extends UserError {
  override readonly name = 'ArcConfigError';
  readonly file: string;
  readonly faults: readonly ArcConfigFault[];

  constructor(
    file: string,
    faults: readonly ArcConfigFault[],
    options: Pick<UserErrorText, 'next' | 'cause'> = {},
  ) {
    const lines = faults.map(formatFault);
    super('configuration', {
      what: `cannot use ${file}`,
      why: lines.length === 1 ? lines.join('') : [`${lines.length} errors`, ...lines].join('\n  '),
      next: [faults.every(isMissingSession) ? creationOfSession(file) : correctionOf(file)],
      ...options,
    });
    this.file = file;
    this.faults = faults;
  }
}

/** Whether the whole session is missing, which the user cannot type. */
function isMissingSession({ line, keyPath }: ArcConfigFault): boolean {
  return line === 0 && keyPath === 'arcSessionStatus';
}

/** Builds a fault that no line of the file shows. */
export function unplacedFault(keyPath: string, found: string, expected: string): ArcConfigFault {
  return { line: 0, keyPath, found, expected };
}

/** Sorts faults or notes by their lines. */
export function inOrder<T extends { readonly line: number }>(list: readonly T[]): T[] {
  return list.toSorted((first, second) => first.line - second.line);
}

function formatFault({ line, keyPath, found, expected }: ArcConfigFault): string {
  const place = [line > 0 ? `line ${line}` : '', keyPath].filter((part) => part !== '').join(', ');
  return `${place === '' ? '' : `${place}: `}found ${found}, expected ${expected}`;
}
