/** The reason why a sandbox failed, with the error type that the function's caller gets. */
export class SandboxFailure extends Error {
  readonly errorType: string;

  constructor(errorType: string, message: string) {
    super(message);
    this.errorType = errorType;
  }
}
