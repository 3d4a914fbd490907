/** What keeps a tunnel from opening with a configuration that reads well. */
import type { ArcConfigFault } from './arc-config-error.js';
import { effectiveMtu, type ArcConfig } from './arc-config.js';
import { missingParts } from './require-session.js';
import { shownText } from './json/shown-value.js';

/** What a command line gives instead of the file's members, or in addition to them. */
export interface TunnelOverrides {
  readonly mtu?: number | undefined;
  /** Seconds; 0 is off, which arc.json cannot say. */
  readonly persistentKeepalive?: number | undefined;
  /** CIDRs in canonical form, in addition to those of arc.json. */
  readonly additionalAllowedIps?: readonly string[];
}

/** RFC 1122 3.3.2 and RFC 8200 5: what any host and path must carry. */
export const MINIMUM_MTU = { 4: 576, 6: 1280 };

/** The family of the address inside the tunnel. */
export function familyOf({ arcSessionStatus: session }: ArcConfig): 4 | 6 {
  return session?.arcClientPeerIpAddress?.includes(':') === true ? 6 : 4;
}

/** All faults but those of reading; the lines are 0. */
export function tunnelFaults(
  config: ArcConfig,
  overrides: TunnelOverrides = {},
): readonly ArcConfigFault[] {
  return [
    ...mtuFaults(config, overrides),
    ...interfaceFaults(config),
    ...missingParts(config),
    ...portFaults(config),
    ...allowedIpFaults(config, overrides),
  ];
}

function mtuFaults(config: ArcConfig, overrides: TunnelOverrides): ArcConfigFault[] {
  const minimum = MINIMUM_MTU[familyOf(config)];
  const mtu = effectiveMtu(config);
  if (overrides.mtu !== undefined || mtu >= minimum) return [];
  return [fault('mtu', String(mtu), `${minimum} or more`)];
}

/** Linux: what dev_valid_name() of net/core/dev.c refuses; its IFNAMSIZ is 16 with the closing NUL. */
const INTERFACE_NAME_LENGTH = 15;

function interfaceFaults({ interface: name }: ArcConfig): ArcConfigFault[] {
  const isValid =
    Buffer.byteLength(name) <= INTERFACE_NAME_LENGTH &&
    name !== '.' &&
    name !== '..' &&
    // NUL, and the white space of the kernel's isspace().
    !/[/:\0\t-\r \xa0]/.test(name);
  if (isValid) return [];
  const expected = `a name of at most ${INTERFACE_NAME_LENGTH} bytes without "/", ":" and spaces`;
  return [fault('interface', shownText(name, false), expected)];
}

function portFaults({ arcSessionStatus: session }: ArcConfig): ArcConfigFault[] {
  const endpoint = session?.arcServerEndpoint;
  if (endpoint?.port !== 0) return [];
  const found = shownText(endpoint.text, false);
  return [fault('arcSessionStatus.arcServerEndpoint', found, 'a port from 1 to 65535')];
}

/** Without any, WireGuard neither sends nor accepts a packet: the tunnel would open and carry nothing. */
function allowedIpFaults(config: ArcConfig, overrides: TunnelOverrides): ArcConfigFault[] {
  const { arcSessionStatus: session, additionalAllowedIps } = config;
  if (session === undefined) return [];
  const { arcAllowedIps } = session;
  const more = [...additionalAllowedIps, ...(overrides.additionalAllowedIps ?? [])];
  if (more.length > 0 || (arcAllowedIps !== null && arcAllowedIps.length > 0)) return [];
  const found = arcAllowedIps === null ? 'nothing' : 'an empty array';
  return [fault('arcSessionStatus.arcAllowedIPs', found, 'a CIDR such as "100.127.0.0/16"')];
}

function fault(keyPath: string, found: string, expected: string): ArcConfigFault {
  return { line: 0, keyPath, found, expected };
}
