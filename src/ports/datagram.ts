/** A UDP address outside the tunnel. `address` is an IP address as a string in canonical form. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A UDP datagram outside the tunnel, received from `endpoint` or to be sent to it. */
export interface Datagram {
  readonly bytes: Uint8Array;
  readonly endpoint: Endpoint;
  /** The DSCP and ECN byte of the IP header; 0 if absent or not supported by the socket. */
  readonly trafficClass?: number;
  /**
   * For sent datagrams: whether the local address may be the reason why the endpoint is silent. If
   * true, this and later datagrams use the source address that the system chooses, until the
   * endpoint answers.
   */
  readonly isSourceInDoubt?: boolean;
}
