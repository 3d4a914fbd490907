import { ArcConfigError } from '../../arc-config/arc-config-error.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { ConfigNotice } from '../../arc-config/member-notices.js';

/** Formats the output of `config validate` for a configuration without faults. */
export function validationText(notices: readonly ConfigNotice[]): {
  readonly lines: readonly string[];
  readonly verdict: string;
  readonly hasWarnings: boolean;
} {
  const lines = notices.map(({ kind, text }) => `${kind === 'note' ? 'Note' : 'Warning'}: ${text}`);
  const count = notices.filter(({ kind }) => kind === 'warning').length;
  const warnings = count === 1 ? '1 warning' : `${count} warnings`;
  const verdict = count === 0 ? 'valid\n' : `valid, with ${warnings}\n`;
  return { lines, verdict, hasWarnings: count > 0 };
}

/** Returns the JSON output of `config validate` for a configuration without faults. */
export function validationValue(notices: readonly ConfigNotice[]): object {
  const of = (kind: ConfigNotice['kind']) =>
    notices.filter((notice) => notice.kind === kind).map(({ line, text }) => ({ line, text }));
  return { valid: true, errors: [], warnings: of('warning'), notes: of('note') };
}

/**
 * Returns the JSON output of `config validate` for an unusable configuration; undefined for any
 * other error. If something is missing from the configuration, the line of the fault is 0.
 */
export function faultsValue(error: unknown): object | undefined {
  if (!(error instanceof UserError)) return undefined;
  const errors =
    error instanceof ArcConfigError
      ? error.faults
      : [{ line: 0, keyPath: '', found: error.why, expected: 'a usable configuration' }];
  return { valid: false, errors, warnings: [], notes: [] };
}
