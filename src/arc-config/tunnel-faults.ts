/** Finds faults in a parsed configuration that prevent a tunnel from opening. */
import { type ArcConfigFault, unplacedFault } from './arc-config-error.js';
import { effectiveMtu, type ArcConfig } from './arc-config.js';
import { missingParts, type ZeroKeyFound } from './require-session.js';
import { shownText } from './json/shown-value.js';

/** Values from the command line that override or extend the file's members. */
export interface TunnelOverrides {
  readonly mtu?: number | undefined;
  /** The interval in seconds. 0 disables keepalives, which arc.json cannot express. */
  readonly persistentKeepalive?: number | undefined;
  /** CIDRs in canonical form, in addition to those of arc.json. */
  readonly additionalAllowedIps?: readonly string[];
}

/** The packet sizes that every host and path must support (RFC 1122 3.3.2, RFC 8200 5). */
export const MINIMUM_MTU = { 4: 576, 6: 1280 };

/** Returns the IP version of the address inside the tunnel. */
export function familyOf({ arcSessionStatus: session }: ArcConfig): 4 | 6 {
  return session?.arcClientPeerIpAddress?.includes(':') === true ? 6 : 4;
}

/** Lists all faults except parse errors. All line numbers are 0. */
export function tunnelFaults(
  config: ArcConfig,
  overrides: TunnelOverrides = {},
  zeroKeyFound?: ZeroKeyFound,
): readonly ArcConfigFault[] {
  return [
    ...mtuFaults(config, overrides),
    ...interfaceFaults(config),
    ...missingParts(config, zeroKeyFound),
    ...portFaults(config),
    ...allowedIpFaults(config, overrides),
  ];
}

function mtuFaults(config: ArcConfig, overrides: TunnelOverrides): ArcConfigFault[] {
  const minimum = MINIMUM_MTU[familyOf(config)];
  const mtu = effectiveMtu(config);
  if (overrides.mtu !== undefined || mtu >= minimum) return [];
  return [unplacedFault('mtu', String(mtu), `${minimum} or more`)];
}

/**
 * The maximum length of an interface name in bytes. Linux's dev_valid_name() in net/core/dev.c
 * limits the name to IFNAMSIZ, 16 bytes including the final NUL.
 */
const INTERFACE_NAME_LENGTH = 15;

function interfaceFaults({ interface: name }: ArcConfig): ArcConfigFault[] {
  const isValid =
    Buffer.byteLength(name) <= INTERFACE_NAME_LENGTH &&
    name !== '.' &&
    name !== '..' &&
    // Reject NUL and the white space of the kernel's isspace().
    !/[/:\0\t-\r \xa0]/.test(name);
  if (isValid) return [];
  const expected = `a name of at most ${INTERFACE_NAME_LENGTH} bytes without "/", ":" or spaces`;
  return [unplacedFault('interface', shownText(name, false), expected)];
}

function portFaults({ arcSessionStatus: session }: ArcConfig): ArcConfigFault[] {
  const endpoint = session?.arcServerEndpoint;
  if (endpoint?.port !== 0) return [];
  const found = shownText(endpoint.text, false);
  return [unplacedFault('arcSessionStatus.arcServerEndpoint', found, 'a port from 1 to 65535')];
}

/** Reports missing allowed IPs, without which WireGuard neither sends nor accepts packets. */
function allowedIpFaults(config: ArcConfig, overrides: TunnelOverrides): ArcConfigFault[] {
  const { arcSessionStatus: session, additionalAllowedIps } = config;
  if (session === undefined) return [];
  const { arcAllowedIps } = session;
  const more = [...additionalAllowedIps, ...(overrides.additionalAllowedIps ?? [])];
  if (more.length > 0 || (arcAllowedIps !== null && arcAllowedIps.length > 0)) return [];
  const found = arcAllowedIps === null ? 'nothing' : 'an empty array';
  return [
    unplacedFault('arcSessionStatus.arcAllowedIPs', found, 'a CIDR such as "100.127.0.0/16"'),
  ];
}
