/** Transport errors, in a separate file so that error handling does not load an HTTP client. */

export type TransportFailure =
  | 'dns'
  | 'connection'
  | 'timeout'
  /** The proxy did not connect to the server. */
  | 'proxy'
  /** The certificate is not trusted, or the handshake failed. */
  | 'tls'
  /** The certificate is not yet valid or has expired. */
  | 'tls-clock'
  /** The server uses another protocol, such as plain HTTP. */
  | 'not-tls'
  | 'too-long';

/** The error if no complete response was received. */
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
