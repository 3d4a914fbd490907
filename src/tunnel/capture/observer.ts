/** Sees what a tunnel does, for a capture. Called at once; what it is given must be copied. */
export interface TunnelObserver {
  /** An IP packet inside the tunnel. */
  innerPacket(direction: 'in' | 'out', packet: Uint8Array): void;
  /** A private key of a handshake, 32 bytes: with it and the static one all can be decrypted. */
  ephemeralKey(privateKey: Uint8Array): void;
}
