/** Apart from the transport: whoever reads an error needs no HTTP client. */

export type TransportFailure = 'dns' | 'connection' | 'timeout' | 'tls' | 'too-long';

/** There was no whole answer. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly failure: TransportFailure;
  /** Whether the request may have reached the server. */
  readonly sent: boolean;

  constructor(failure: TransportFailure, sent: boolean, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
    this.sent = sent;
  }
}
