/** A UDP address outside of the tunnel. `address` is IP text in canonical form. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** One UDP datagram outside of the tunnel: received from `endpoint`, or to be sent to it. */
export interface Datagram {
  readonly bytes: Uint8Array;
  readonly endpoint: Endpoint;
}
