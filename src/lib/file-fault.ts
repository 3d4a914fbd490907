/** What kind of failure a file that a user has named is, whichever command and flag named it. */
import { codeOf } from './error-message.js';
import type { FailureKind } from './user-error.js';

const KINDS: Readonly<Record<string, FailureKind>> = {
  // By the system's names.
  ENOENT: 'configuration',
  ENOTDIR: 'configuration',
  EISDIR: 'configuration',
  EACCES: 'permission',
  EPERM: 'permission',
  EROFS: 'permission',
  // By those of FileError.
  absent: 'configuration',
  'no-folder': 'configuration',
  'is-folder': 'configuration',
  'not-text': 'configuration',
  denied: 'permission',
};

/** @param error with a FileFailure as `failure`, or the system's `code` */
export function fileFaultKind(error: unknown): FailureKind {
  const { failure } = (error ?? {}) as { readonly failure?: unknown };
  const name = typeof failure === 'string' ? failure : (codeOf(error) ?? '');
  return KINDS[name] ?? 'failed';
}
