/** The error if one of the emulator's two addresses is unavailable. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly side: 'api' | 'arc';
  /** The system's error code: EADDRINUSE, EACCES … */
  readonly code: string;

  constructor(side: 'api' | 'arc', cause: NodeJS.ErrnoException) {
    super(`cannot open the ${side} listener: ${cause.code ?? cause.message}`, { cause });
    this.side = side;
    this.code = cause.code ?? '';
  }
}
