/** One Arc server as a WireGuard peer, with all its state. Each server gets a new object. */
import { sameBytes } from '../../lib/same-bytes.js';
import type { Device, Peer } from '../../engine/engine.js';
import { type IpPrefix, sameAddress } from '../../wire/ip-address.js';
import { EndpointSearch, type EndpointSearchPorts } from './endpoint-search.js';
import { ServerAddresses, type ServerAddressesPorts } from './server-addresses.js';
import { ServerSilence } from './server-silence.js';
import type { TunnelConfig } from '../tunnel-config.js';

export interface ArcServerPeerOptions {
  readonly config: TunnelConfig;
  /** Overrides the allowed IPs of `config`. */
  readonly allowedIps?: readonly IpPrefix[];
  readonly ports: ServerAddressesPorts;
  readonly device: Device;
  readonly socket: EndpointSearchPorts['socket'];
  /** Called after each call on the device. */
  readonly schedule: () => void;
}

export class ArcServerPeer {
  readonly peer: Peer;
  readonly search: EndpointSearch;
  readonly silence: ServerSilence;
  readonly #device: Device;

  /** @throws RangeError if the server's key equals the tunnel's own key or that of another peer */
  constructor({ config, ports, device, socket, schedule, ...options }: ArcServerPeerOptions) {
    const { clock, wallClock, log } = ports;
    const { configName, endpoint: server, serverPublicKey, persistentKeepalive } = config;
    const { allowedIps = config.allowedIps } = options;
    const addresses = new ServerAddresses(server, ports);
    const search = new EndpointSearch({ addresses, clock, log, socket });
    const chooseEndpoint = (now: number) => search.choose(now);
    const peer = device.addPeer(
      { publicKey: serverPublicKey, persistentKeepalive, allowedIps, chooseEndpoint },
      clock.now(),
    );
    search.attach({ device, peer, schedule });
    this.#device = device;
    this.peer = peer;
    this.search = search;
    const parts = { device, peer, server, addresses, search, clock, wallClock };
    this.silence = new ServerSilence({ configName, ...parts });
  }

  /** Applies changes that keep the session. */
  reconfigure(before: TunnelConfig, config: TunnelConfig, now: number): void {
    if (!sameAllowedIps(before, config)) {
      this.#device.allowedIps.removeAll(this.peer);
      for (const prefix of config.allowedIps) this.#device.allowedIps.set(prefix, this.peer);
    }
    if (before.persistentKeepalive !== config.persistentKeepalive) {
      this.peer.setPersistentKeepalive(config.persistentKeepalive, now);
    }
  }

  /** The server's current allowed IPs; UAPI clients may have moved some to another peer. */
  get allowedIps(): IpPrefix[] {
    return this.#device.allowedIps.prefixesOf(this.peer);
  }

  /** Ends the search and wipes the keys. */
  remove(): void {
    this.search.close();
    this.#device.removePeer(this.peer);
  }
}

/**
 * @throws RangeError for a server that Device.addPeer() would reject, even without the old server
 */
export function requireServer(config: TunnelConfig, ownPublicKey: Uint8Array): void {
  const { serverPublicKey, persistentKeepalive } = config;
  if (serverPublicKey.length !== 32) throw new RangeError('a key must be 32 bytes long');
  if (!(persistentKeepalive >= 0)) throw new RangeError('the keepalive must be 0 ms or more');
  if (sameBytes(ownPublicKey, serverPublicKey)) {
    throw new RangeError('the Arc server must not have the same public key as this SIM');
  }
}

/** Whether both configurations have the same server key and endpoint. */
export function isSameServer(one: TunnelConfig, other: TunnelConfig): boolean {
  const isSameKey = sameBytes(one.serverPublicKey, other.serverPublicKey);
  const { host, port } = other.endpoint;
  return isSameKey && one.endpoint.host === host && one.endpoint.port === port;
}

export function sameAllowedIps(one: TunnelConfig, other: TunnelConfig): boolean {
  const [ours, theirs] = [one.allowedIps, other.allowedIps];
  return (
    ours.length === theirs.length &&
    ours.every(({ address, prefixLength }, index) => {
      const also = theirs[index];
      return also?.prefixLength === prefixLength && sameAddress(address, also.address);
    })
  );
}
