/** Transport errors, in a separate file so that error handling does not load an HTTP client. */

export type TransportFailure =
  | 'dns'
  | 'connection'
  | 'timeout'
  /** A proxy that does not connect to the server. */
  | 'proxy'
  /** A certificate that is not trusted, or a failed handshake. */
  | 'tls'
  /** A certificate that is not yet valid or has expired. */
  | 'tls-clock'
  /** A server that speaks another protocol, such as plain HTTP. */
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
