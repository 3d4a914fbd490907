/** Translates the system's file errors into a failure kind and a readable reason. */
import { codeOf } from './error-message.js';
import type { FailureKind } from './user-error.js';

type SystemFailure = 'absent' | 'no-folder' | 'is-folder' | 'denied' | 'failed';

/** The failure and the reason for each system error code. */
const FAULTS: Readonly<Record<string, readonly [failure: SystemFailure, reason: string]>> = {
  ENOENT: ['absent', 'no such file'],
  ENOTDIR: ['no-folder', 'part of the path is not a folder'],
  EISDIR: ['is-folder', 'it is a folder'],
  EEXIST: ['failed', 'a file with this name already exists'],
  EACCES: ['denied', 'permission denied'],
  EPERM: ['denied', 'operation not permitted'],
  EROFS: ['denied', 'the file system is read-only'],
  ENOSPC: ['failed', 'no space left on the device'],
  EDQUOT: ['failed', 'the disk quota is exceeded'],
  EIO: ['failed', 'the device reports an input/output error'],
  ELOOP: ['failed', 'too many symbolic links'],
};

/** The failure kind for each name of FileFailure. */
const KINDS: Readonly<Record<string, FailureKind>> = {
  absent: 'configuration',
  'no-folder': 'configuration',
  'is-folder': 'configuration',
  'not-text': 'configuration',
  denied: 'permission',
};

/**
 * Returns the failure and the reason for a file that the user has specified. For an unknown error
 * code, the reason is the error's own message.
 */
export function fileFault(error: unknown): { failure: SystemFailure; reason: string } {
  const [failure, reason] = FAULTS[codeOf(error) ?? ''] ?? ['failed', (error as Error).message];
  return { failure, reason };
}

/** @param error an error with a FileFailure in `failure`, or with the system's `code` */
export function fileFaultKind(error: unknown): FailureKind {
  const { failure } = (error ?? {}) as { readonly failure?: unknown };
  const name = typeof failure === 'string' ? failure : FAULTS[codeOf(error) ?? '']?.[0];
  return KINDS[name ?? ''] ?? 'failed';
}
