/** A UDP address outside of the tunnel. `address` is IP text in canonical form. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** One UDP datagram outside of the tunnel: received from `endpoint`, or to be sent to it. */
export interface Datagram {
  readonly bytes: Uint8Array;
  readonly endpoint: Endpoint;
  /**
   * DSCP and ECN: the octet of the IP header that has them. Absent is 0, also where the socket cannot
   * tell it; one that cannot set it sends 0.
   */
  readonly trafficClass?: number;
  /**
   * Of what is sent: the address that we have used towards this endpoint may be why it is silent. This
   * and what follows leaves from the one that the system chooses, until the endpoint is heard again.
   */
  readonly isSourceInDoubt?: boolean;
}
