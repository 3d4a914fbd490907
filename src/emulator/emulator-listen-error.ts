/** One of the emulator's two addresses cannot be had. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly side: 'api' | 'arc';
  /** The system's code: EADDRINUSE, EACCES … */
  readonly code: string;

  constructor(side: 'api' | 'arc', cause: NodeJS.ErrnoException) {
    super(`the ${side} side cannot listen: ${cause.code ?? cause.message}`, { cause });
    this.side = side;
    this.code = cause.code ?? '';
  }
}
