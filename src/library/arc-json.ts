/** The members of arc.json that programs read or build. docs/reference/arc-json.md lists them all. */
export interface ArcJson {
  /** The WireGuard private key of the virtual SIM, in base64. Keep it secret. */
  readonly privateKey: string;
  readonly publicKey?: string;
  /** The ID of the virtual SIM; empty if unknown. */
  readonly simId?: string;
  /** CIDRs in addition to those of the session. */
  readonly additionalAllowedIPs?: readonly string[];
  /** In bytes. */
  readonly mtu?: number;
  /** In seconds. */
  readonly persistentKeepalive?: number;
  readonly arcSessionStatus?: ArcSessionStatus;
  readonly [member: string]: unknown;
}

/** An Arc session, as in arc.json and in the SORACOM API. */
export interface ArcSessionStatus {
  /** The WireGuard public key of the Arc server, in base64. */
  readonly arcServerPeerPublicKey: string;
  /** `host:port` */
  readonly arcServerEndpoint: string;
  /** CIDRs. */
  readonly arcAllowedIPs: readonly string[];
  /** The address of the SIM inside the tunnel. */
  readonly arcClientPeerIpAddress: string;
}
