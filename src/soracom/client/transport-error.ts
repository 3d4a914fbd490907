/** Separate from the transport, so that reading an error loads no HTTP client. */

export type TransportFailure =
  | 'dns'
  | 'connection'
  | 'timeout'
  /** A certificate that is not trusted, or a handshake that failed. */
  | 'tls'
  /** A certificate that is not valid now. */
  | 'tls-clock'
  /** A server that answers in another protocol, such as HTTP. */
  | 'not-tls'
  | 'too-long';

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
