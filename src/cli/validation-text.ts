import type { ConfigNotice } from '../arc-config/member-notices.js';

/** What `config validate` prints about a configuration without faults. */
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
