/** Why a sandbox cannot go on, with the error type that the caller of the function gets. */
export class SandboxFailure extends Error {
  readonly errorType: string;

  constructor(errorType: string, message: string) {
    super(message);
    this.errorType = errorType;
  }
}
