/** Extracts messages, causes and error codes from thrown values of any type. */

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Returns an abort signal's reason, always as an Error. */
export function abortReason(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error('The operation was aborted.');
}

/**
 * Returns the error's `owner`, which names the owner of the file or socket; undefined if absent.
 */
export function ownerOf(error: unknown): string | undefined {
  const { owner } = (error ?? {}) as { readonly owner?: unknown };
  return typeof owner === 'string' ? owner : undefined;
}

/** Returns the system's error code (ENOENT, ECONNREFUSED …); undefined if absent. */
export function codeOf(error: unknown): string | undefined {
  // Do not use instanceof: system errors may come from another realm, as in Jest.
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** Whether the system refused the operation for lack of permission. */
export function isDenied(error: unknown): boolean {
  return ['EACCES', 'EPERM'].includes(codeOf(error) ?? '');
}
