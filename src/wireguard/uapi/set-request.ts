/**
 * Parses the `set=1` operation of WireGuard's cross-platform userspace interface, as sent by `wg
 * set`, `wg setconf` and `wg syncconf` (wireguard.com/xplatform, Configuration Protocol). The whole
 * request is parsed before anything changes.
 */
import {
  type IpPrefix,
  formatIpAddress,
  parseIpAddress,
  parseIpPrefix,
} from '../../wire/ip-address.js';
import type { Endpoint } from '../../ports/datagram.js';
import { parseKey } from './key-text.js';

export interface SetRequest {
  /** The private key, 32 bytes; all zeros remove it. */
  readonly privateKey?: Uint8Array | undefined;
  /** The port to listen on. 0 lets the system choose one. */
  readonly listenPort?: number | undefined;
  /** The firewall mark. 0 removes it. */
  readonly fwmark?: number | undefined;
  readonly replacePeers: boolean;
  readonly peers: readonly PeerChange[];
}

export interface PeerChange {
  /** The peer's public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly remove: boolean;
  /** Whether to ignore this change if the peer does not exist. */
  readonly updateOnly: boolean;
  /** The pre-shared key, 32 bytes; all zeros remove it. */
  readonly presharedKey?: Uint8Array | undefined;
  readonly endpoint?: Endpoint | undefined;
  /** The persistent keepalive interval in seconds; 0 disables it. */
  readonly persistentKeepalive?: number | undefined;
  readonly replaceAllowedIps: boolean;
  readonly allowedIps: readonly IpPrefix[];
}

type Changing<T> = { -readonly [Key in keyof T]: T[Key] };
type ChangingPeer = Changing<Omit<PeerChange, 'allowedIps'>> & { allowedIps: IpPrefix[] };
type ChangingRequest = Changing<Omit<SetRequest, 'peers'>> & { peers: ChangingPeer[] };

const MAXIMUM_PORT = 65_535;
const MAXIMUM_KEEPALIVE = 65_535;
const MAXIMUM_MARK = 0xffff_ffff;

/**
 * Parses the lines after `set=1`.
 *
 * @returns undefined if a line is malformed, a field is unknown or a value is invalid
 */
export function parseSetRequest(lines: Iterable<string>): SetRequest | undefined {
  const request: ChangingRequest = { replacePeers: false, peers: [] };
  for (const line of lines) {
    const separator = line.indexOf('=');
    if (separator === -1) return undefined;
    const key = line.slice(0, separator);
    const value = line.slice(separator + 1);
    const peer = request.peers.at(-1);
    const isWell =
      key === 'public_key'
        ? addPeer(request, value)
        : peer === undefined
          ? setDevice(request, key, value)
          : setPeer(peer, key, value);
    if (!isWell) return undefined;
  }
  return request;
}

function setDevice(request: ChangingRequest, key: string, value: string): boolean {
  switch (key) {
    case 'private_key':
      return isSet((request.privateKey = parseKey(value)));
    case 'listen_port':
      return isSet((request.listenPort = parseNumber(value, MAXIMUM_PORT)));
    case 'fwmark':
      // An empty value removes the mark.
      return isSet((request.fwmark = value === '' ? 0 : parseNumber(value, MAXIMUM_MARK)));
    case 'replace_peers':
      request.replacePeers = true;
      return value === 'true';
    default:
      return false;
  }
}

function addPeer(request: ChangingRequest, value: string): boolean {
  const publicKey = parseKey(value);
  if (publicKey === undefined) return false;
  request.peers.push({
    publicKey,
    remove: false,
    updateOnly: false,
    replaceAllowedIps: false,
    allowedIps: [],
  });
  return true;
}

function setPeer(peer: ChangingPeer, key: string, value: string): boolean {
  switch (key) {
    case 'remove':
      peer.remove = true;
      return value === 'true';
    case 'update_only':
      peer.updateOnly = true;
      return value === 'true';
    case 'preshared_key':
      return isSet((peer.presharedKey = parseKey(value)));
    case 'endpoint':
      return isSet((peer.endpoint = parseEndpoint(value)));
    case 'persistent_keepalive_interval':
      return isSet((peer.persistentKeepalive = parseNumber(value, MAXIMUM_KEEPALIVE)));
    case 'replace_allowed_ips':
      peer.replaceAllowedIps = true;
      peer.allowedIps = [];
      return value === 'true';
    case 'allowed_ip': {
      const prefix = parseIpPrefix(value);
      if (prefix !== undefined) peer.allowedIps.push(prefix);
      return prefix !== undefined;
    }
    case 'protocol_version':
      return value === '1';
    default:
      return false;
  }
}

function isSet(value: unknown): boolean {
  return value !== undefined;
}

function parseNumber(text: string, maximum: number): number | undefined {
  // wg sends the mark in hexadecimal if the user entered it that way.
  const isNumber = /^(\d{1,10}|0x[0-9a-fA-F]{1,8})$/.test(text);
  const number = Number(text);
  return isNumber && number <= maximum ? number : undefined;
}

/** Parses `address:port`, with an IPv6 address in brackets. */
function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = parseIpAddress(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  if (address === undefined || !(port <= MAXIMUM_PORT)) return undefined;
  return { address: formatIpAddress(address), port };
}
