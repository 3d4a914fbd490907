/** What was thrown may be anything; messages and rejections need a text and an Error. */

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Why a signal has fired, as an Error in any case. */
export function abortReason(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error('The work was aborted.');
}

/** Who owns what an error is about, for the sentence that says so; undefined if it does not say. */
export function ownerOf(error: unknown): string | undefined {
  const { owner } = (error ?? {}) as { readonly owner?: unknown };
  return typeof owner === 'string' ? owner : undefined;
}

/** The system's name of an error (ENOENT, ECONNREFUSED …); undefined where it has none. */
export function codeOf(error: unknown): string | undefined {
  // No instanceof: an error of the system may come from another realm, as it does in jest.
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** Whether the system refuses for want of a right. */
export function isDenied(error: unknown): boolean {
  return ['EACCES', 'EPERM'].includes(codeOf(error) ?? '');
}
