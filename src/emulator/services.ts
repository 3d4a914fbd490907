/**
 * Names and addresses of SORACOM's services inside the tunnel, from SORACOM's documentation of the
 * Air and Arc endpoints. The emulator implements only some of these services.
 */
import { type IpAddress, parseIpAddress } from '../wire/ip-address.js';

/** The DNS names of the services, with their addresses. */
export const SERVICE_NAMES: ReadonlyMap<string, string> = new Map([
  ['uni.soracom.io', '100.127.69.42'],
  ['unified.soracom.io', '100.127.69.42'],
  ['beam.soracom.io', '100.127.127.100'],
  ['funnel.soracom.io', '100.127.65.43'],
  ['harvest.soracom.io', '100.127.111.111'],
  ['metadata.soracom.io', '100.127.100.127'],
  ['pong.soracom.io', '100.127.100.127'],
  ['ntp.soracom.io', '100.127.0.123'],
  ['krypton.soracom.io', '54.250.252.99'],
]);

export const UNIFIED_ENDPOINT_ADDRESS = address('100.127.69.42');
export const UNIFIED_ENDPOINT_HTTP_PORT = 80;
/** The Unified Endpoint's port for both TCP and UDP. */
export const UNIFIED_ENDPOINT_RAW_PORT = 23080;

/**
 * Ports of services for programs under test, at the Unified Endpoint's address. SORACOM does not
 * offer these services.
 */
export const ECHO_PORT = 7;
export const DISCARD_PORT = 9;

/** The address of pong.soracom.io, which answers ICMP echo requests. */
export const PONG_ADDRESS = address('100.127.100.127');

/** The metadata service uses the same address as pong. */
export const METADATA_ADDRESS = PONG_ADDRESS;
export const METADATA_PORT = 80;

export const DNS_SERVERS: readonly string[] = ['100.127.0.53', '100.127.1.53'];
export const DNS_ADDRESSES: readonly IpAddress[] = DNS_SERVERS.map(address);
export const DNS_PORT = 53;

/** All addresses of the emulator's stack, one for each implemented service. */
export const SERVICE_ADDRESSES: readonly IpAddress[] = [
  UNIFIED_ENDPOINT_ADDRESS,
  PONG_ADDRESS,
  ...DNS_ADDRESSES,
];

/**
 * The prefixes that SORACOM tells a client to route into the tunnel: 100.127.0.0/16 without
 * 100.127.10.16/32, and the address of Endorse.
 */
export const ARC_ALLOWED_IPS: readonly string[] = [
  '100.127.0.0/21',
  '100.127.10.0/28',
  '100.127.10.128/25',
  '100.127.10.17/32',
  '100.127.10.18/31',
  '100.127.10.20/30',
  '100.127.10.24/29',
  '100.127.10.32/27',
  '100.127.10.64/26',
  '100.127.11.0/24',
  '100.127.12.0/22',
  '100.127.128.0/17',
  '100.127.16.0/20',
  '100.127.32.0/19',
  '100.127.64.0/18',
  '100.127.8.0/23',
  '54.250.252.67/32',
];

function address(text: string): IpAddress {
  const parsed = parseIpAddress(text);
  if (parsed === undefined) throw new RangeError(`${text} must be an IP address`);
  return parsed;
}
